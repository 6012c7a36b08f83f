//! A stake as its holder presents it for signing, with everybody's keys: to be spoiled by tests.
#![allow(
    dead_code,
    unreachable_pub,
    clippy::unwrap_used,
    reason = "test helpers; each test file uses a part"
)]

use staking_api::signer::Presign;
use staking_api::staking::Params as ApiParams;
use staking_api::{Binary, Decimal, Key};
use staking_crypto::curve::Libsecp;
use staking_crypto::{SecretKey, bip340};
use staking_protocol::delegation::{StakeTerms, derive};
use staking_protocol::keys::{CovenantKey, ProviderKey, Providers, StakerKey, Stakers};
use staking_protocol::params::Params;
use staking_protocol::timelock::StakingTime;
use staking_protocol::tx::{OutPoint, Sat, StakingTx, TxIn, TxOut, Txid};

pub const HOLDER: u8 = 1;
pub const PROVIDER: u8 = 50;
pub const MEMBER: u8 = 100;
pub const VALUE: u64 = 1_000_000;
pub const STAKING_TIME: u32 = 300;

pub fn secret(i: u8) -> SecretKey {
    SecretKey::from_bytes(&[i; 32]).unwrap()
}

pub fn key(i: u8) -> [u8; 32] {
    secret(i).x_only().to_bytes()
}

pub fn member(i: u8) -> CovenantKey {
    CovenantKey::from_bytes(&key(MEMBER + i)).unwrap()
}

/// Parameters with three members of whom two must sign.
pub fn api_params() -> ApiParams {
    ApiParams {
        btc_activation_height: 0,
        covenant_pks: (0..3).map(|i| Key::from_bytes(key(MEMBER + i))).collect(),
        covenant_quorum: 2,
        min_staking_value_sat: 50_000,
        max_staking_value_sat: 4_000_000_000,
        min_staking_time_blocks: 100,
        max_staking_time_blocks: 65_535,
        slashing_pk_script: Binary([&[0x00, 0x14][..], &[9; 20]].concat()),
        min_slashing_tx_fee_sat: 2_000,
        slashing_rate: Decimal::percent(5),
        unbonding_time_blocks: 20,
        unbonding_fee_sat: 1_000,
        min_commission_rate: Decimal::ZERO,
        max_finality_providers: 1,
        max_staker_quorum: 1,
        max_staker_num: 1,
        lax_slashing_tx: false,
    }
}

pub fn params() -> Params {
    Params::try_from(&api_params()).unwrap()
}

fn terms() -> StakeTerms {
    StakeTerms {
        stakers: Stakers::single(StakerKey::from_bytes(&key(HOLDER)).unwrap()),
        providers: Providers::single(ProviderKey::from_bytes(&key(PROVIDER)).unwrap()),
        staking_time: StakingTime::new(STAKING_TIME).unwrap(),
        value: Sat(VALUE),
    }
}

/// What an honest agent asks for, under parameters and the version that names them.
pub fn presign_under(params: &Params, version: u32) -> Presign {
    let terms = terms();
    let script = terms.scripts(&Libsecp, params).unwrap().staking.pk_script();
    let input = TxIn::unsigned(OutPoint { txid: Txid([1; 32]), vout: 0 }, 0xffff_fffd);
    let change = TxOut::new(Sat(7_777), [&[0x00, 0x14][..], &[3; 20]].concat());
    let staking = StakingTx::build(&script, terms.value, vec![input], vec![change]).unwrap();
    let presigned = derive(&Libsecp, params, &terms, staking.outpoint()).unwrap();
    let digests = presigned.sighashes();
    let sign = |digest: &[u8; 32]| vec![bip340::sign(&secret(HOLDER), digest, &[0; 32]).to_bytes().to_vec()];
    Presign {
        params_version: version,
        staking_tx: staking.transaction().serialize(),
        staking_time: STAKING_TIME,
        staking_value: VALUE,
        staker_keys: vec![key(HOLDER).to_vec()],
        staker_quorum: 1,
        provider_keys: vec![key(PROVIDER).to_vec()],
        slashing_tx: presigned.slashing().transaction().serialize(),
        unbonding_tx: presigned.unbonding().transaction().serialize(),
        unbonding_slashing_tx: presigned.unbonding_slashing().transaction().serialize(),
        staker_slashing_sigs: sign(&digests.slashing.0),
        staker_unbonding_slashing_sigs: sign(&digests.unbonding_slashing.0),
    }
}

pub fn presign() -> Presign {
    presign_under(&params(), 0)
}
