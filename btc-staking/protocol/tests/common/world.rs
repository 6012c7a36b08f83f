//! A whole valid registration with its keys, to be spoiled by tests.

use staking_crypto::adaptor::{self, EncryptionKey};
use staking_crypto::bip340::{self, Signature};
use staking_crypto::{SecretKey, XOnly};
use staking_protocol::delegation::{
    CovenantSignatures, DelegationError, DelegationRequest, Presigned, SighashSet, StakeTerms,
    VerifiedDelegation, derive, verify_delegation,
};
use staking_protocol::keys::{CovenantKey, ProviderKey, Providers, StakerKey, Stakers};
use staking_protocol::params::{Params, ParamsUnchecked};
use staking_protocol::timelock::{StakingTime, UnbondingTime};
use staking_protocol::tx::slash_amount::SlashRounding;
use staking_protocol::tx::slashing::SlashingPolicy;
use staking_protocol::tx::{OutPoint, Sat, StakingTx, Transaction, TxIn, TxOut, Txid};

use super::CURVE;

pub fn secret(i: u32) -> SecretKey {
    let mut bytes = [0x5a; 32];
    bytes[..4].copy_from_slice(&(i + 1).to_be_bytes());
    SecretKey::from_bytes(&bytes).unwrap()
}

pub fn x_only(i: u32) -> XOnly {
    secret(i).x_only()
}

pub fn sign(i: u32, digest: &[u8; 32]) -> Signature {
    bip340::sign(&secret(i), digest, &[0; 32])
}

/// Sizes and numbers of a stake.
#[derive(Clone, Copy, Debug)]
pub struct Shape {
    pub stakers: u32,
    pub staker_quorum: u32,
    pub providers: u32,
    pub members: u32,
    pub quorum: u32,
    pub value: u64,
    pub staking_time: u32,
    pub unbonding_time: u32,
    /// Slashing rate in ten-thousandths.
    pub rate: u16,
    pub burn: bool,
}

pub const PLAIN: Shape = Shape {
    stakers: 1,
    staker_quorum: 1,
    providers: 1,
    members: 5,
    quorum: 3,
    value: 1_000_000,
    staking_time: 1_000,
    unbonding_time: 101,
    rate: 1_000,
    burn: false,
};

pub const PROVIDER: u32 = 100;
pub const MEMBER: u32 = 200;

pub fn raw_params(shape: &Shape) -> ParamsUnchecked {
    let burn = b"\x6a\x07babylon".to_vec();
    let p2wpkh = [&[0x00, 0x14][..], &[9; 20]].concat();
    ParamsUnchecked {
        covenant_pks: (0..shape.members).map(|i| x_only(MEMBER + i).to_bytes()).collect(),
        covenant_quorum: shape.quorum,
        min_staking_value_sat: 500_000,
        max_staking_value_sat: 2_000_000_000,
        min_staking_time_blocks: 100,
        max_staking_time_blocks: 64_000,
        slashing_pk_script: if shape.burn { burn } else { p2wpkh },
        min_slashing_tx_fee_sat: 2_000,
        slashing_rate: format!("0.{:04}", shape.rate),
        slash_rounding: SlashRounding::Double,
        unbonding_time_blocks: shape.unbonding_time,
        unbonding_fee_sat: 3_000,
        max_finality_providers: 10,
        max_staker_quorum: 16,
        max_staker_num: 17,
        ..ParamsUnchecked::default()
    }
}

/// A registration as its holder makes it.
#[derive(Clone, Debug)]
pub struct Registration {
    pub params: Params,
    pub terms: StakeTerms,
    pub staking_tx: Transaction,
    pub unbonding_time: UnbondingTime,
    pub unbonding_tx: Transaction,
    pub unbonding_value: Sat,
    pub slashing_tx: Transaction,
    pub unbonding_slashing_tx: Transaction,
    pub slashing_signatures: Vec<(StakerKey, Signature)>,
    pub unbonding_slashing_signatures: Vec<(StakerKey, Signature)>,
}

pub fn terms(shape: &Shape) -> StakeTerms {
    StakeTerms {
        stakers: Stakers::multi((0..shape.stakers).map(|i| x_only(i).into()).collect(), shape.staker_quorum)
            .unwrap(),
        providers: Providers::new(
            (0..shape.providers).map(|i| ProviderKey::from(x_only(PROVIDER + i))).collect(),
        )
        .unwrap(),
        staking_time: StakingTime::new(shape.staking_time).unwrap(),
        value: Sat(shape.value),
    }
}

pub fn signatures(shape: &Shape, digest: &[u8; 32]) -> Vec<(StakerKey, Signature)> {
    (0..shape.staker_quorum).map(|i| (x_only(i).into(), sign(i, digest))).collect()
}

impl Registration {
    pub fn new(shape: &Shape) -> Self {
        let (params, terms) = (raw_params(shape).check().unwrap(), terms(shape));
        let script = terms.scripts(&CURVE, &params).unwrap().staking.pk_script();
        let input = TxIn::unsigned(OutPoint { txid: Txid([1; 32]), vout: 0 }, 0xffff_fffd);
        let change = TxOut::new(Sat(7_777), [&[0x00, 0x14][..], &[3; 20]].concat());
        let staking = StakingTx::build(&script, terms.value, vec![input], vec![change]).unwrap();
        let presigned = derive(&CURVE, &params, &terms, staking.outpoint()).unwrap();
        let digests = presigned.sighashes();
        Self {
            unbonding_time: params.unbonding_time(),
            params,
            terms,
            staking_tx: staking.transaction().clone(),
            unbonding_tx: presigned.unbonding().transaction().clone(),
            unbonding_value: presigned.unbonding().value(),
            slashing_tx: presigned.slashing().transaction().clone(),
            unbonding_slashing_tx: presigned.unbonding_slashing().transaction().clone(),
            slashing_signatures: signatures(shape, &digests.slashing.0),
            unbonding_slashing_signatures: signatures(shape, &digests.unbonding_slashing.0),
        }
    }

    pub fn verify(&self, policy: SlashingPolicy) -> Result<VerifiedDelegation, DelegationError> {
        let request = DelegationRequest {
            terms: &self.terms,
            staking_tx: &self.staking_tx.serialize(),
            unbonding_time: self.unbonding_time,
            unbonding_tx: &self.unbonding_tx.serialize(),
            unbonding_value: self.unbonding_value,
            slashing_tx: &self.slashing_tx.serialize(),
            slashing_signatures: &self.slashing_signatures,
            unbonding_slashing_tx: &self.unbonding_slashing_tx.serialize(),
            unbonding_slashing_signatures: &self.unbonding_slashing_signatures,
        };
        verify_delegation(&CURVE, &self.params, policy, &request)
    }

    pub fn presigned(&self) -> Presigned {
        self.verify(SlashingPolicy::Exact).unwrap().presigned().clone()
    }
}

pub fn encryption_keys(providers: &Providers) -> Vec<EncryptionKey> {
    providers.keys().iter().map(|key| EncryptionKey::from_x_only(key.x_only()).unwrap()).collect()
}

/// What member `i` of the committee signs.
pub fn covenant_signatures(
    i: u32,
    digests: &SighashSet,
    keys: &[EncryptionKey],
) -> (CovenantKey, CovenantSignatures) {
    let member = secret(MEMBER + i);
    let adaptors = |digest: &[u8; 32]| {
        keys.iter().map(|key| adaptor::sign(&member, key, digest, &[4; 32]).unwrap()).collect::<Vec<_>>()
    };
    let signatures = CovenantSignatures {
        slashing: adaptors(&digests.slashing.0),
        unbonding_slashing: adaptors(&digests.unbonding_slashing.0),
        unbonding: bip340::sign(&member, &digests.unbonding.0, &[0; 32]),
        expansion: digests.expansion.map(|digest| bip340::sign(&member, &digest.0, &[0; 32])),
    };
    (member.x_only().into(), signatures)
}
