//! The edges of every rule that has one: least and greatest values, one step beyond, empty and unsorted lists.
#![allow(clippy::unwrap_used, clippy::panic, reason = "test helpers")]

mod common;

use common::CURVE;
use common::world::{PLAIN, raw_params, x_only};
use staking_protocol::delegation::{DelegationFacts, Inclusion, Status};
use staking_protocol::finality::{CommitmentError, RandomnessCommitment};
use staking_protocol::header::{Bits, BlockHash, Network, PeriodStart, TipContext, U256};
use staking_protocol::keys::{
    CovenantKey, Covenants, KeySetError, ProviderKey, Providers, Stakers, check_distinct,
};
use staking_protocol::params::{Decimal, ParamsError, ParamsUnchecked, version_for_height};
use staking_protocol::script::ScriptTemplates;
use staking_protocol::timelock::{StakingTime, UnbondingTime};
use staking_protocol::tx::sanity::{SanityError, check_transaction};
use staking_protocol::tx::sighash::SighashType;
use staking_protocol::tx::slash_amount::{RateError, SlashRounding, SlashingRate};
use staking_protocol::tx::{MAX_MONEY, OutPoint, Sat, Transaction, TxIn, TxOut, Txid};

fn check(spoil: impl FnOnce(&mut ParamsUnchecked)) -> Result<(), ParamsError> {
    let mut raw = raw_params(&PLAIN);
    spoil(&mut raw);
    raw.check().map(|_| ())
}

#[test]
fn parameters_at_their_limits() {
    assert_eq!(check(|p| p.max_staking_value_sat = i64::MAX), Ok(()));
    assert_eq!(check(|p| p.max_staking_value_sat = p.min_staking_value_sat), Ok(()));
    assert!(check(|p| p.min_staking_value_sat = i64::MIN).is_err());
    assert_eq!(check(|p| p.min_staking_time_blocks = 1), Ok(()));
    assert_eq!(check(|p| (p.min_staking_time_blocks, p.max_staking_time_blocks) = (65_535, 65_535)), Ok(()));
    assert!(check(|p| p.min_staking_time_blocks = u32::MAX).is_err());
    assert_eq!(check(|p| p.unbonding_time_blocks = 65_535), Ok(()));
    assert!(check(|p| p.unbonding_time_blocks = 65_536).is_err());
    assert!(check(|p| p.unbonding_fee_sat = i64::MAX).is_err());
    assert_eq!(check(|p| p.min_slashing_tx_fee_sat = i64::MAX), Ok(()));
    assert_eq!(check(|p| p.min_commission_rate = "1.000000000000000000".into()), Ok(()));
    assert_eq!(check(|p| p.min_commission_rate = "-0".into()), Ok(()), "minus zero is zero");
    assert!(check(|p| p.min_commission_rate = "1.000000000000000001".into()).is_err());
    assert!(check(|p| p.min_commission_rate = "-0.000000000000000001".into()).is_err());
    assert!(check(|p| p.covenant_quorum = u32::MAX).is_err());
    assert!(check(|p| p.covenant_quorum = 0).is_err());
    assert!(check(|p| (p.max_staker_quorum, p.max_staker_num) = (u32::MAX, u32::MAX)).is_err());
}

/// The smallest unbonding output must still give a slashed part worth sending, unless slashed coins are burned.
#[test]
fn the_smallest_slash_is_judged_by_the_script() {
    let tight = |script: Vec<u8>| {
        check(|p| {
            (p.slashing_rate, p.slashing_pk_script) = ("0.0001".into(), script);
            (p.min_staking_value_sat, p.unbonding_fee_sat) = (1_000_000, 999_999);
        })
    };
    assert!(matches!(tight([[0, 20].as_slice(), &[7; 20]].concat()), Err(ParamsError::SlashIsDust(Sat(0)))));
    assert_eq!(tight(b"\x6a\x07babylon".to_vec()), Ok(()));
}

#[test]
fn committees_of_every_order_make_the_same_scripts() {
    let keys = |order: &[u32]| order.iter().map(|i| CovenantKey::from(x_only(*i))).collect::<Vec<_>>();
    let forward = Covenants::new(keys(&[30, 31, 32, 33, 34]), 3).unwrap();
    assert_eq!(Covenants::new(keys(&[33, 30, 34, 32, 31]), 3), Ok(forward.clone()));
    assert!(matches!(Covenants::new(keys(&[30, 31, 30]), 2), Err(KeySetError::Duplicate(_))));
    assert!(
        matches!(Covenants::new(keys(&[30]), 0), Err(KeySetError::Quorum { .. })),
        "one key needs a quorum too"
    );
    assert!(matches!(Covenants::new(keys(&[30]), 2), Err(KeySetError::Quorum { .. })));
    let providers = |order: &[u32]| order.iter().map(|i| ProviderKey::from(x_only(*i))).collect::<Vec<_>>();
    let (a, b) = (
        Providers::new(providers(&[40, 41, 42])).unwrap(),
        Providers::new(providers(&[42, 40, 41])).unwrap(),
    );
    assert_ne!(a, b, "the order of the registration is that of the adaptor signatures");
    let owner = Stakers::single(x_only(50).into());
    let time = StakingTime::new(1).unwrap();
    let templates = ScriptTemplates::new(forward);
    let script = |providers| templates.staking_output(&CURVE, &owner, providers, time).unwrap().pk_script();
    assert_eq!(script(&a), script(&b));
}

/// Trap A9: one key in two roles, for each pair of roles.
#[test]
fn no_key_serves_in_two_roles() {
    let covenants = Covenants::new(vec![x_only(30).into(), x_only(31).into(), x_only(32).into()], 2).unwrap();
    let stakers = |i| Stakers::multi(vec![x_only(50).into(), x_only(i).into()], 2).unwrap();
    let providers = |i| Providers::new(vec![x_only(40).into(), x_only(i).into()]).unwrap();
    assert_eq!(check_distinct(&stakers(51), &providers(41), &covenants), Ok(()));
    for (owner, backed, twice) in [(40, 41, 40), (31, 41, 31), (51, 32, 32), (51, 51, 51), (51, 50, 50)] {
        let found = check_distinct(&stakers(owner), &providers(backed), &covenants);
        assert_eq!(found, Err(KeySetError::Duplicate(x_only(twice))));
    }
}

/// Numbers above 16 leave the one-byte opcodes, above 127 and 32767 they take a byte more for the sign.
#[test]
fn lock_times_are_minimal_script_numbers() {
    let owner = Stakers::single(x_only(50).into());
    for (blocks, number) in [
        (1, vec![0x51]),
        (16, vec![0x60]),
        (17, vec![0x01, 17]),
        (127, vec![0x01, 0x7f]),
        (128, vec![0x02, 0x80, 0x00]),
        (255, vec![0x02, 0xff, 0x00]),
        (256, vec![0x02, 0x00, 0x01]),
        (32_767, vec![0x02, 0xff, 0x7f]),
        (32_768, vec![0x03, 0x00, 0x80, 0x00]),
        (65_535, vec![0x03, 0xff, 0xff, 0x00]),
    ] {
        let time = UnbondingTime::new(blocks).unwrap();
        let change = staking_protocol::script::SlashingChange::new(&CURVE, &owner, time).unwrap();
        let expected = [[0x20].as_slice(), x_only(50).as_bytes(), &[0xad], &number, &[0xb2]].concat();
        assert_eq!(change.leaf().script(), expected, "{blocks}");
    }
    assert!(UnbondingTime::new(0).is_err() && StakingTime::new(0).is_err());
    assert!(UnbondingTime::new(65_536).is_err() && StakingTime::new(u32::MAX).is_err());
}

#[test]
fn rates_and_their_texts() {
    let rate = |text: &str| SlashingRate::parse(text).map(SlashingRate::ten_thousandths);
    assert_eq!(rate("0.0001"), Ok(1));
    assert_eq!(rate("0.9999"), Ok(9_999));
    assert_eq!(rate("0.999900000000000000"), Ok(9_999));
    for text in ["0", "-0", "-0.0", "1", "1.000000000000000000", "-0.5", "2"] {
        assert_eq!(rate(text), Err(RateError::OutOfRange), "{text}");
    }
    assert_eq!(rate("0.00001"), Err(RateError::TooPrecise));
    for text in ["", "0.", ".5", "0,5", "5e-1", " 0.5", "0.5 ", "+0.5", "0.1000000000000000000", "NaN", "inf"]
    {
        assert_eq!(rate(text), Err(RateError::NotANumber), "{text}");
    }
    assert!(Decimal::parse(&"9".repeat(40)).is_err(), "too large is an error, not a wrap");
    let least = SlashingRate::from_ten_thousandths(1).unwrap();
    for rounding in [SlashRounding::Double, SlashRounding::ExactHalfUp] {
        assert_eq!(least.slash(Sat(0), rounding), Some(Sat(0)));
        assert_eq!(least.slash(Sat(4_999), rounding), Some(Sat(0)));
        assert_eq!(least.slash(Sat(5_000), rounding), Some(Sat(1)));
        assert_eq!(least.slash(Sat(MAX_MONEY), rounding), Some(Sat(210_000_000_000)));
        assert_eq!(least.slash(Sat(MAX_MONEY + 1), rounding), None);
        assert_eq!(least.slash(Sat(u64::MAX), rounding), None);
    }
}

#[test]
fn versions_by_height() {
    assert!(version_for_height(&[], 5).is_err());
    let starts = [10, 20, 30];
    for (height, version) in [(10, 0), (19, 0), (20, 1), (29, 1), (30, 2), (u64::MAX, 2)] {
        assert_eq!(version_for_height(&starts, height), Ok(version), "{height}");
    }
    assert!(version_for_height(&starts, 9).is_err() && version_for_height(&starts, 0).is_err());
    assert_eq!(version_for_height(&[0], 0), Ok(0));
}

/// Trap C4, and heights at the end of their range.
#[test]
fn a_status_at_its_edges() {
    let facts = DelegationFacts {
        unbonded_early: false,
        covenant_signatures: 3,
        quorum: 3,
        expansion: None,
        inclusion: Some(Inclusion { start: 100, end: 1_100 }),
        unbonding_time: 50,
    };
    for (tip, status) in [
        (0, Status::Unbonded),
        (99, Status::Unbonded),
        (100, Status::Active),
        (1_049, Status::Active),
        (1_050, Status::Expired),
        (u32::MAX, Status::Expired),
    ] {
        assert_eq!(facts.status(tip), status, "{tip}");
    }
    let late = DelegationFacts { inclusion: Some(Inclusion { start: 1, end: u32::MAX }), ..facts };
    assert_eq!(late.status(u32::MAX - 51), Status::Active);
    assert_eq!(late.status(u32::MAX - 50), Status::Expired);
    assert_eq!(late.status(u32::MAX), Status::Expired, "no wrap");
    let expanding = |signatures| DelegationFacts { expansion: Some((signatures, 3)), ..facts };
    assert_eq!(expanding(2).status(500), Status::Pending);
    assert_eq!(expanding(3).status(500), Status::Active);
    assert_eq!(DelegationFacts { covenant_signatures: 2, ..facts }.status(u32::MAX), Status::Pending);
    assert_eq!(
        DelegationFacts { unbonded_early: true, covenant_signatures: 0, ..facts }.status(0),
        Status::Unbonded
    );
    for heights in [(0, 5), (5, 0), (0, 0)] {
        assert_eq!(Inclusion::from_heights(heights.0, heights.1), None);
    }
}

#[test]
fn ranges_of_randomness() {
    let new = |start, num| RandomnessCommitment::new(start, num, &[7; 32]).map(|_| ());
    assert_eq!(new(0, 1), Ok(()));
    assert_eq!(new(5, 0), Err(CommitmentError::Empty));
    assert_eq!(new(u64::MAX - 1, 1), Ok(()));
    assert!(matches!(new(u64::MAX, 1), Err(CommitmentError::Overflow { .. })), "ends at exactly 2^64");
    assert!(matches!(new(1, u64::MAX), Err(CommitmentError::TooLong(_))));
    for length in [0, 4, 31, 33] {
        let root = vec![7; length];
        assert_eq!(RandomnessCommitment::new(1, 1, &root), Err(CommitmentError::RootLength(length)));
    }
}

fn paying(values: &[u64]) -> Transaction {
    let input = TxIn::unsigned(OutPoint { txid: Txid([1; 32]), vout: 0 }, TxIn::SEQUENCE_FINAL);
    let outputs = values.iter().map(|value| TxOut::new(Sat(*value), [0x51])).collect();
    Transaction { version: 2, inputs: vec![input], outputs, lock_time: 0 }
}

#[test]
fn amounts_of_money() {
    let most = MAX_MONEY;
    assert_eq!(check_transaction(&paying(&[most])), Ok(()));
    assert_eq!(check_transaction(&paying(&[0, most, 0])), Ok(()));
    assert_eq!(check_transaction(&paying(&[most, 1])), Err(SanityError::TotalValue));
    assert_eq!(check_transaction(&paying(&[1, most + 1])), Err(SanityError::OutputValue(1)));
    assert_eq!(
        check_transaction(&paying(&[u64::MAX])),
        Err(SanityError::OutputValue(0)),
        "a negative amount"
    );
    assert_eq!(check_transaction(&paying(&[most; 4])), Err(SanityError::TotalValue));
    assert_eq!(check_transaction(&paying(&[])), Err(SanityError::NoOutputs));
}

/// Counts on both sides of each form of a length.
#[test]
fn many_outputs_are_one_encoding() {
    for count in [1, 0xfc, 0xfd, 0xffff, 0x1_0000] {
        let tx = paying(&vec![1; count]);
        let raw = tx.serialize();
        assert_eq!(Transaction::parse(&raw), Ok(tx), "{count}");
        assert!(Transaction::parse(&raw[..raw.len() - 1]).is_err());
    }
    let claimed = [[2, 0, 0, 0, 0xff].as_slice(), &u64::MAX.to_le_bytes(), &[0; 60]].concat();
    assert!(Transaction::parse(&claimed).is_err(), "a claim is not believed");
}

#[test]
fn only_the_types_of_bip341_are_types() {
    let known: Vec<u8> = (0..=255).filter(|byte| SighashType::from_byte(*byte).is_some()).collect();
    assert_eq!(known, [0, 1, 2, 3, 0x81, 0x82, 0x83]);
}

/// The 20-minute rule counts from one second beyond, and a period's first header never falls under it; afterwards
/// difficulty is that of the last header that was not made under the rule. Trap E9.
#[test]
fn networks_differ_in_what_difficulty_they_demand() {
    let (real, time) = (Bits::from_u32(0x1b04_04cb), 1_700_000_000);
    let period = Some(PeriodStart { time: time - 600, bits: real });
    let required = |network: Network, height: u32, bits: Bits, waited: u32| {
        let hash = BlockHash::from_bytes([1; 32]);
        let tip = TipContext::from_parts((height, hash), (bits, real), period, [time], U256::ONE).unwrap();
        tip.required_bits(&network.rules(), time + waited).unwrap()
    };
    for network in [Network::Testnet3, Network::Testnet4] {
        let limit = network.rules().pow_limit_bits();
        assert_eq!(required(network, 100, real, 1_200), real, "{network}");
        assert_eq!(required(network, 100, real, 1_201), limit, "{network}");
        assert_eq!(required(network, 100, limit, 600), real, "{network}");
        assert_ne!(required(network, 2_015, real, 5_000), limit, "{network}");
    }
    for network in [Network::Mainnet, Network::Signet] {
        assert_eq!(required(network, 100, real, 100_000), real, "{network}");
    }
    let regtest = Network::Regtest.rules().pow_limit_bits();
    assert_eq!(required(Network::Regtest, 2_015, real, 1), regtest);
    // BIP-94 counts from the period's first difficulty, older rules from the last one, minimal or not.
    let limit = Network::Testnet3.rules().pow_limit_bits();
    let quarter =
        |bits: Bits| staking_protocol::header::retarget(&Network::Mainnet.rules(), bits, 0, 600).unwrap();
    assert_eq!(required(Network::Testnet4, 2_015, limit, 600), quarter(real));
    assert_eq!(required(Network::Testnet3, 2_015, limit, 600), quarter(limit));
}
