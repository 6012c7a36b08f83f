//! A plan exists only with a withdrawal that verifies; leaving is refused to whoever does not own the stake.
#![allow(clippy::unwrap_used, reason = "tests")]

use bitcoin::Network;
use staker::plan::{Plan, PlanError, plan, prove_possession, staking_script};
use staker::seed::Seed;
use staking_api::staking::Params as ApiParams;
use staking_api::{Binary, Decimal, Key};
use staking_crypto::curve::Libsecp;
use staking_crypto::{SecretKey, bip340};
use staking_protocol::context::{Domain, Purpose};
use staking_protocol::delegation::StakeTerms;
use staking_protocol::keys::{ProviderKey, Providers, StakerKey, Stakers};
use staking_protocol::params::Params;
use staking_protocol::possession::{ChainAddress, bip340_digest};
use staking_protocol::timelock::StakingTime;
use staking_protocol::tx::withdrawal::{Withdrawable, WithdrawalTx};
use staking_protocol::tx::{OutPoint, Sat, StakingTx, Transaction, TxIn, Txid};

const DESTINATION: [u8; 22] = [0x00, 0x14, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8];

fn holder() -> Seed {
    Seed::from_bytes(&[3; 32], Network::Regtest).unwrap()
}

fn public(i: u8) -> [u8; 32] {
    SecretKey::from_bytes(&[i; 32]).unwrap().x_only().to_bytes()
}

fn params() -> Params {
    let params = ApiParams {
        btc_activation_height: 0,
        covenant_pks: (10..13).map(|i| Key::from_bytes(public(i))).collect(),
        covenant_quorum: 2,
        min_staking_value_sat: 50_000,
        max_staking_value_sat: 4_000_000_000,
        min_staking_time_blocks: 100,
        max_staking_time_blocks: 65_535,
        slashing_pk_script: Binary(vec![0x6a, 0x01, 0x07]),
        min_slashing_tx_fee_sat: 2_000,
        slashing_rate: Decimal::percent(5),
        unbonding_time_blocks: 20,
        unbonding_fee_sat: 1_000,
        min_commission_rate: Decimal::ZERO,
        max_finality_providers: 1,
        max_staker_quorum: 1,
        max_staker_num: 1,
        lax_slashing_tx: false,
    };
    Params::try_from(&params).unwrap()
}

fn terms(owner: &SecretKey, value: u64) -> StakeTerms {
    StakeTerms {
        stakers: Stakers::single(StakerKey::from_bytes(owner.x_only().as_bytes()).unwrap()),
        providers: Providers::single(ProviderKey::from_bytes(&public(20)).unwrap()),
        staking_time: StakingTime::new(300).unwrap(),
        value: Sat(value),
    }
}

fn funding(terms: &StakeTerms) -> Transaction {
    let script = staking_script(&params(), terms).unwrap();
    let input = TxIn::unsigned(OutPoint { txid: Txid([1; 32]), vout: 0 }, 0xffff_fffd);
    StakingTx::build(&script, terms.value, vec![input], Vec::new()).unwrap().transaction().clone()
}

fn planned() -> (SecretKey, Plan) {
    let key = holder().staking_key(0).unwrap();
    let terms = terms(&key, 1_000_000);
    let funding = funding(&terms);
    let made = plan(&params(), terms, funding, &key, &DESTINATION, &[9; 32]).unwrap();
    (key, made)
}

fn source(made: &Plan) -> Withdrawable {
    let scripts = made.presigned.scripts();
    Withdrawable::staking(made.staking.outpoint(), made.value(), &scripts.staking, made.terms.staking_time)
}

#[test]
fn a_plan_carries_a_withdrawal_that_verifies() {
    let (_, made) = planned();
    WithdrawalTx::prove(&Libsecp, &made.terms.stakers, &[source(&made)], &made.withdrawal).unwrap();
    assert_eq!(made.withdrawal.inputs[0].sequence, 300, "its sequence carries the lock");
    assert_eq!(made.withdrawal.outputs[0].script, DESTINATION);
}

#[test]
fn a_withdrawal_signed_with_another_key_is_no_proof() {
    let (_, made) = planned();
    let stranger = holder().staking_key(1).unwrap();
    let withdrawal = WithdrawalTx::build(vec![source(&made)], &DESTINATION, Sat(1_000)).unwrap();
    let forged: Vec<_> = withdrawal
        .sighashes()
        .unwrap()
        .iter()
        .map(|digest| vec![(made.terms.stakers.primary(), bip340::sign(&stranger, &digest.0, &[0; 32]))])
        .collect();
    let proved = withdrawal
        .sign(&made.terms.stakers, &forged)
        .and_then(|signed| WithdrawalTx::prove(&Libsecp, &made.terms.stakers, &[source(&made)], &signed));
    assert!(proved.is_err());
}

#[test]
fn a_key_that_does_not_own_the_stake_cannot_plan_it() {
    let owner = holder().staking_key(0).unwrap();
    let stranger = holder().staking_key(1).unwrap();
    let terms = terms(&owner, 1_000_000);
    let funding = funding(&terms);
    let refused = plan(&params(), terms, funding, &stranger, &DESTINATION, &[9; 32]);
    assert_eq!(refused, Err(PlanError::OtherKey));
}

#[test]
fn what_the_parameters_do_not_allow_is_not_planned() {
    let key = holder().staking_key(0).unwrap();
    let refused = staking_script(&params(), &terms(&key, 49_999));
    assert!(matches!(refused, Err(PlanError::Terms(_))));
    let elsewhere = funding(&terms(&key, 2_000_000));
    let refused = plan(&params(), terms(&key, 1_000_000), elsewhere, &key, &DESTINATION, &[9; 32]);
    assert!(matches!(refused, Err(PlanError::Funding(_))));
}

#[test]
fn the_costs_shown_are_those_of_the_transactions() {
    let (_, made) = planned();
    let costs = made.costs(&params());
    let slashing = made.presigned.slashing().transaction();
    assert_eq!(costs.slash_sat, slashing.outputs[0].value.0);
    assert_eq!(costs.unbonding_fee_sat, 1_000_000 - made.presigned.unbonding().value().0);
    let paid: u64 = slashing.outputs.iter().map(|o| o.value.0).sum();
    assert_eq!(costs.slash_fee_sat, 1_000_000 - paid);
}

/// B1: the proof of possession names who asks, on which chain, for which purpose.
#[test]
fn a_proof_of_possession_is_for_one_address() {
    let key = holder().staking_key(0).unwrap();
    let domain = Domain::v0(Purpose::StakerPossession, "mesh-1", "mesh1staking");
    let address = ChainAddress::parse("mesh1qyqszqgpqyqszqgpqyqszqgpqyqszqgpcmdfg8").unwrap();
    let proof = prove_possession(&key, &domain, &address, &[1; 32]);
    let signature = bip340::Signature::from_bytes(proof.signature.0.as_slice().try_into().unwrap()).unwrap();
    let holds = |raw: &[u8]| {
        bip340::verify(&Libsecp, &key.x_only(), &bip340_digest(&domain, raw), &signature).is_ok()
    };
    assert!(holds(address.raw()) && !holds(&[2; 20]));
}
