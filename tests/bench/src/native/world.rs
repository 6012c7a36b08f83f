//! One stake under mainnet-like parameters, with everything that members and chains see of it.

use staking_crypto::curve::Libsecp;
use staking_crypto::{SecretKey, adaptor, bip340};
use staking_protocol::context::Domain;
use staking_protocol::delegation::{CovenantSignatures, Presigned, SighashSet, StakeTerms, derive};
use staking_protocol::keys::{CovenantKey, ProviderKey, Providers, StakerKey, Stakers};
use staking_protocol::params::{Params, ParamsUnchecked};
use staking_protocol::possession::{ChainAddress, bip340_digest};
use staking_protocol::script::ScriptTemplates;
use staking_protocol::tag::{OpReturnV0, Tag};
use staking_protocol::timelock::StakingTime;
use staking_protocol::tx::{OutPoint, Sat, StakingTx, TxIn, TxOut, Txid};

use super::SOUND;
use super::schemes::key;

/// Members of the committee, as on mainnet.
const MEMBERS: u8 = 9;
/// Signatures required of it.
pub(super) const QUORUM: u32 = 6;
pub(super) const TAG: Tag = Tag(*b"bnch");
pub(super) const VALUE: Sat = Sat(5_000_000);

pub(super) struct World {
    pub(super) params: Params,
    pub(super) staker: SecretKey,
    pub(super) provider: SecretKey,
    pub(super) members: Vec<SecretKey>,
    pub(super) terms: StakeTerms,
    pub(super) staking: StakingTx,
    pub(super) presigned: Presigned,
    pub(super) sighashes: SighashSet,
    pub(super) address: ChainAddress,
}

/// Makes a stake of another holder and provider for each seed.
pub(super) fn world(seed: u8) -> World {
    let members: Vec<_> = (0..MEMBERS).map(|i| key(0xc0 + i)).collect();
    let (staker, provider) = (key(seed), key(seed ^ 0x40));
    let params = params(&members);
    let terms = terms(&staker, &provider);
    let scripts = terms.scripts(&Libsecp, &params).expect(SOUND);
    let op_return = op_return(&terms).output();
    let inputs = vec![TxIn::unsigned(OutPoint { txid: Txid([seed; 32]), vout: 1 }, TxIn::SEQUENCE_FINAL)];
    let change = TxOut::new(Sat(77_000), [0x51; 34]);
    let script = scripts.staking.pk_script();
    let staking = StakingTx::build(&script, VALUE, inputs, vec![op_return, change]).expect(SOUND);
    let presigned = derive(&Libsecp, &params, &terms, staking.outpoint()).expect(SOUND);
    let sighashes = presigned.sighashes();
    let address = ChainAddress::parse("bbn1d0py0jnvuhjaguzqt4vy57nt9tdsdt7xd2066t").expect(SOUND);
    World { params, staker, provider, members, terms, staking, presigned, sighashes, address }
}

fn params(members: &[SecretKey]) -> Params {
    let raw = ParamsUnchecked {
        covenant_pks: members.iter().map(|key| key.x_only().to_bytes()).collect(),
        covenant_quorum: QUORUM,
        min_staking_value_sat: 500_000,
        max_staking_value_sat: 500_000_000_000,
        min_staking_time_blocks: 10_000,
        max_staking_time_blocks: 64_000,
        slashing_pk_script: b"\x6a\x07babylon".to_vec(),
        min_slashing_tx_fee_sat: 6_000,
        slashing_rate: "0.001".to_owned(),
        unbonding_time_blocks: 1_008,
        unbonding_fee_sat: 9_600,
        min_commission_rate: "0.03".to_owned(),
        ..ParamsUnchecked::default()
    };
    raw.check().expect(SOUND)
}

pub(super) fn staker_key(key: &SecretKey) -> StakerKey {
    StakerKey::from_bytes(key.x_only().as_bytes()).expect(SOUND)
}

pub(super) fn provider_key(key: &SecretKey) -> ProviderKey {
    ProviderKey::from_bytes(key.x_only().as_bytes()).expect(SOUND)
}

pub(super) fn covenant_key(key: &SecretKey) -> CovenantKey {
    CovenantKey::from_bytes(key.x_only().as_bytes()).expect(SOUND)
}

fn terms(staker: &SecretKey, provider: &SecretKey) -> StakeTerms {
    StakeTerms {
        stakers: Stakers::single(staker_key(staker)),
        providers: Providers::single(provider_key(provider)),
        staking_time: StakingTime::new(64_000).expect(SOUND),
        value: VALUE,
    }
}

/// The payload that makes the stake findable.
pub(super) fn op_return(terms: &StakeTerms) -> OpReturnV0 {
    let provider = terms.providers.keys().first().expect(SOUND);
    OpReturnV0 {
        tag: TAG,
        staker: terms.stakers.primary(),
        provider: *provider,
        staking_time: terms.staking_time,
    }
}

impl World {
    pub(super) fn templates(&self) -> &ScriptTemplates {
        self.params.scripts()
    }

    pub(super) fn encryption(&self) -> adaptor::EncryptionKey {
        adaptor::EncryptionKey::lift(&Libsecp, &self.provider.x_only()).expect(SOUND)
    }

    pub(super) fn staker_signature(&self, digest: &[u8; 32]) -> (StakerKey, bip340::Signature) {
        (staker_key(&self.staker), bip340::sign(&self.staker, digest, &[0; 32]))
    }

    pub(super) fn possession(&self) -> [u8; 64] {
        let digest = bip340_digest(&Domain::Plain, self.address.raw());
        bip340::sign(&self.staker, &digest, &[0; 32]).to_bytes()
    }

    /// What one member signs.
    pub(super) fn covenant_signatures(&self, member: &SecretKey) -> CovenantSignatures {
        let encryption = self.encryption();
        let adaptor =
            |digest: &[u8; 32]| vec![adaptor::sign(member, &encryption, digest, &[9; 32]).expect(SOUND)];
        CovenantSignatures {
            slashing: adaptor(&self.sighashes.slashing.0),
            unbonding_slashing: adaptor(&self.sighashes.unbonding_slashing.0),
            unbonding: bip340::sign(member, &self.sighashes.unbonding.0, &[0; 32]),
            expansion: None,
        }
    }
}
