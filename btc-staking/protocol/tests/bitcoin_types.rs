//! Feature `bitcoin`: our transactions, digests, outputs and addresses equal rust-bitcoin's; descriptors equal the
//! hand-laid scripts; what a wallet returns is judged.
#![allow(clippy::unwrap_used, clippy::panic, clippy::cast_possible_truncation, reason = "test helpers")]

mod common;

use std::collections::BTreeMap;
use std::str::FromStr;

use bitcoin::consensus::encode::{deserialize, serialize};
use bitcoin::hashes::Hash as _;
use bitcoin::psbt::Psbt;
use bitcoin::sighash::{Annex, Prevouts, SighashCache};
use bitcoin::taproot::TapLeafHash;
use bitcoin::{Network, TapSighashType, Witness, XOnlyPublicKey};
use common::{CURVE, cases, list};
use proptest::prelude::*;
use staking_crypto::{SecretKey, bip340};
use staking_protocol::delegation::{StakeTerms, derive};
use staking_protocol::descriptor::{self, DescriptorError, StakerExpressions};
use staking_protocol::keys::{CovenantKey, Covenants, ProviderKey, Providers, StakerKey, Stakers};
use staking_protocol::params::{Params, ParamsUnchecked};
use staking_protocol::psbt::{
    PsbtError, SigningRequest, check_previous_output, check_returned, check_returned_transaction,
};
use staking_protocol::script::{ScriptTemplates, StakingPath};
use staking_protocol::timelock::{StakingTime, UnbondingTime};
use staking_protocol::tx::sighash::{Prevout, SighashType, taproot};
use staking_protocol::tx::withdrawal::{Withdrawable, WithdrawalTx};
use staking_protocol::tx::{OutPoint, Sat, Transaction, TxIn, TxOut, Txid};

fn secret(i: u32) -> SecretKey {
    let mut bytes = [7; 32];
    bytes[..4].copy_from_slice(&(i + 1).to_be_bytes());
    SecretKey::from_bytes(&bytes).unwrap()
}

fn x_only(i: u32) -> staking_crypto::XOnly {
    secret(i).x_only()
}

fn any_bytes(max: usize) -> impl Strategy<Value = Vec<u8>> {
    proptest::collection::vec(any::<u8>(), 0..max)
}

prop_compose! {
    fn any_input()(
        txid in any::<[u8; 32]>(), vout in any::<u32>(), script_sig in any_bytes(300), sequence in any::<u32>(),
        witness in proptest::collection::vec(any_bytes(70), 0..4),
    ) -> TxIn {
        TxIn { previous_output: OutPoint { txid: Txid(txid), vout }, script_sig, sequence, witness }
    }
}

prop_compose! {
    fn any_output()(value in 0..2_100_000_000_000_000u64, script in any_bytes(300)) -> TxOut {
        TxOut::new(Sat(value), script)
    }
}

prop_compose! {
    fn any_tx()(
        version in any::<i32>(), inputs in proptest::collection::vec(any_input(), 1..5),
        outputs in proptest::collection::vec(any_output(), 0..5), lock_time in any::<u32>(),
    ) -> Transaction {
        Transaction { version, inputs, outputs, lock_time }
    }
}

proptest! {
    #[test]
    fn a_transaction_is_the_same_in_rust_bitcoin(tx in any_tx()) {
        let theirs = bitcoin::Transaction::from(&tx);
        prop_assert_eq!(serialize(&theirs), tx.serialize());
        prop_assert_eq!(theirs.compute_txid(), tx.txid().into());
        prop_assert_eq!(theirs.compute_txid().to_string(), tx.txid().to_string());
        prop_assert_eq!(theirs.compute_wtxid().to_byte_array(), tx.wtxid().0);
        prop_assert_eq!(theirs.weight().to_wu(), tx.weight() as u64);
        prop_assert_eq!(theirs.vsize(), tx.vsize());
        prop_assert_eq!(&Transaction::from(&theirs), &tx);
        prop_assert_eq!(Transaction::parse(&tx.serialize()).unwrap(), tx);
    }

    #[test]
    fn whatever_we_parse_rust_bitcoin_parses(mut tx in any_tx(), at in any::<usize>(), byte in any::<u8>()) {
        tx.inputs.truncate(2);
        let mut raw = tx.serialize();
        let at = at % raw.len();
        raw[at] = byte;
        if let Ok(ours) = Transaction::parse(&raw) {
            let theirs: bitcoin::Transaction = deserialize(&raw).unwrap();
            prop_assert_eq!(Transaction::from(&theirs), ours);
        }
    }

    #[test]
    fn digests_equal_rust_bitcoins(
        tx in any_tx(), input in 0usize..5, leaf in proptest::option::of(any::<[u8; 32]>()),
        kind in proptest::sample::select(vec![0u8, 1, 2, 3, 0x81, 0x82, 0x83]),
        annex in proptest::option::of(any_bytes(300)),
    ) {
        let input = input % tx.inputs.len();
        let prevouts: Vec<TxOut> =
            (0..tx.inputs.len()).map(|i| TxOut::new(Sat(1000 + i as u64), vec![i as u8; i * 40])).collect();
        let annex = annex.map(|rest| [&[0x50][..], &rest].concat());
        let ours = taproot(
            &tx, input, &prevouts.iter().map(Prevout::from).collect::<Vec<_>>(), leaf.as_ref(),
            SighashType::from_byte(kind).unwrap(), annex.as_deref(),
        );
        let theirs_tx = bitcoin::Transaction::from(&tx);
        let theirs_prevouts: Vec<bitcoin::TxOut> = prevouts.iter().map(Into::into).collect();
        let theirs = SighashCache::new(&theirs_tx).taproot_signature_hash(
            input, &Prevouts::All(&theirs_prevouts), annex.as_deref().map(|a| Annex::new(a).unwrap()),
            leaf.map(|leaf| (TapLeafHash::from_byte_array(leaf), 0xffff_ffff)),
            TapSighashType::from_consensus_u8(kind).unwrap(),
        );
        match (ours, theirs) {
            (Ok(ours), Ok(theirs)) => prop_assert_eq!(ours.0, theirs.to_byte_array()),
            (Err(_), Err(_)) => {}
            (ours, theirs) => prop_assert!(false, "{:?} {:?}", ours, theirs),
        }
    }
}

/// Owner, providers and committee of the given sizes.
fn parties(
    stakers: u32,
    staker_quorum: u32,
    providers: u32,
    members: u32,
    quorum: u32,
) -> (Stakers, Providers, Covenants) {
    let staker = (0..stakers).map(|i| StakerKey::from(x_only(i))).collect();
    let provider = (100..100 + providers).map(|i| ProviderKey::from(x_only(i))).collect();
    let member = (200..200 + members).map(|i| CovenantKey::from(x_only(i))).collect();
    (
        Stakers::multi(staker, staker_quorum).unwrap(),
        Providers::new(provider).unwrap(),
        Covenants::new(member, quorum).unwrap(),
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn descriptors_equal_the_hand_laid_scripts(
        n in 1u32..5, m in 1u32..5, f in 1u32..4, c in 1u32..8, q in 1u32..8,
        staking in 1u32..=65_535, unbonding in 1u32..=65_535,
    ) {
        let (stakers, providers, covenants) = parties(n, m.min(n), f, c, q.min(c));
        let times = (StakingTime::new(staking).unwrap(), UnbondingTime::new(unbonding).unwrap());
        let templates = ScriptTemplates::new(covenants.clone());
        let scripts = templates.scripts(&CURVE, &stakers, &providers, times.0, times.1).unwrap();
        let plain = StakerExpressions::plain(&stakers);
        let staking =
            descriptor::staking(&scripts.staking, &stakers, &plain, &providers, &covenants, times.0).unwrap();
        let unbonding = descriptor::unbonding_output(
            &scripts.unbonding, &stakers, &plain, &providers, &covenants, times.1).unwrap();
        let change = descriptor::slashing_change(&scripts.change, &stakers, &plain, times.1).unwrap();
        for (descriptor, key) in [
            (&staking, scripts.staking.output_key()),
            (&unbonding, scripts.unbonding.output_key()),
            (&change, scripts.change.output_key()),
        ] {
            let address = descriptor.at_derivation_index(0).unwrap().address(Network::Regtest).unwrap();
            prop_assert_eq!(address, key.address(Network::Regtest));
            // The text form gives the same descriptor again.
            let text = descriptor.to_string();
            prop_assert_eq!(&miniscript::Descriptor::from_str(&text).unwrap(), descriptor);
            descriptor.sanity_check().unwrap();
        }
        // Every leaf that the descriptor compiles is one of ours, byte for byte.
        let secp = bitcoin::secp256k1::Secp256k1::verification_only();
        let concrete = staking.at_derivation_index(0).unwrap().derived_descriptor(&secp).unwrap();
        let miniscript::Descriptor::Tr(tree) = &concrete else { panic!("not tr") };
        let leaves: Vec<_> = [StakingPath::Timelock, StakingPath::Unbonding, StakingPath::Slashing]
            .map(|path| scripts.staking.leaf(path).script().to_vec()).to_vec();
        for (_, leaf) in tree.iter_scripts() {
            prop_assert!(leaves.contains(&leaf.encode().into_bytes()));
        }
    }
}

#[test]
fn a_descriptor_with_foreign_keys_is_refused() {
    let (stakers, _, _) = parties(1, 1, 1, 1, 1);
    let time = UnbondingTime::new(100).unwrap();
    let change = staking_protocol::script::SlashingChange::new(&CURVE, &stakers, time).unwrap();
    let other = StakerExpressions::new(&stakers, vec![x_only(9).to_string()]).unwrap();
    let refused = descriptor::slashing_change(&change, &stakers, &other, time);
    assert!(matches!(refused, Err(DescriptorError::OtherOutput)));
    assert!(StakerExpressions::new(&stakers, vec![]).is_err());
}

#[test]
fn addresses_equal_babylons() {
    let network = |name: &str| match name {
        "mainnet" => Network::Bitcoin,
        "regtest" => Network::Regtest,
        "signet" => Network::Signet,
        _ => Network::Testnet,
    };
    for case in cases("staking").iter().filter(|case| case.ok == Some(true)) {
        let input = &case.input;
        let time = StakingTime::new(common::small(&input["staking_time"])).unwrap();
        let (stakers, providers) = (common::stakers(input).unwrap(), common::providers(input).unwrap());
        let output =
            common::templates(input).unwrap().staking_output(&CURVE, &stakers, &providers, time).unwrap();
        let address = output.output_key().address(network(input["network"].as_str().unwrap()));
        assert_eq!(address.to_string(), case.output["address"], "{case}");
    }
}

fn test_params(covenants: &Covenants) -> Params {
    ParamsUnchecked {
        covenant_pks: covenants.keys().iter().map(|key| key.to_bytes()).collect(),
        covenant_quorum: covenants.quorum(),
        min_staking_value_sat: 50_000,
        max_staking_value_sat: 1_000_000_000,
        min_staking_time_blocks: 100,
        max_staking_time_blocks: 60_000,
        slashing_pk_script: b"\x6a\x07babylon".to_vec(),
        min_slashing_tx_fee_sat: 1_000,
        slashing_rate: "0.1".into(),
        unbonding_time_blocks: 101,
        unbonding_fee_sat: 1_000,
        max_finality_providers: 3,
        max_staker_quorum: 3,
        max_staker_num: 3,
        ..ParamsUnchecked::default()
    }
    .check()
    .unwrap()
}

struct Stake {
    terms: StakeTerms,
    presigned: staking_protocol::delegation::Presigned,
}

fn stake(stakers: u32, quorum: u32) -> Stake {
    let (stakers, providers, covenants) = parties(stakers, quorum, 2, 5, 3);
    let params = test_params(&covenants);
    let terms = StakeTerms {
        stakers,
        providers,
        staking_time: StakingTime::new(1_000).unwrap(),
        value: Sat(100_000),
    };
    let outpoint = OutPoint { txid: Txid([3; 32]), vout: 1 };
    let presigned = derive(&CURVE, &params, &terms, outpoint).unwrap();
    Stake { terms, presigned }
}

fn requests(stake: &Stake) -> Vec<SigningRequest> {
    let origins = BTreeMap::new();
    let owner = &stake.terms.stakers;
    let scripts = stake.presigned.scripts();
    let source = Withdrawable::staking(
        stake.presigned.staking().outpoint,
        stake.terms.value,
        &scripts.staking,
        stake.terms.staking_time,
    );
    let withdrawal = WithdrawalTx::build(vec![source], &scripts.change.pk_script(), Sat(500)).unwrap();
    vec![
        SigningRequest::slashing(&stake.presigned, owner, &origins).unwrap(),
        SigningRequest::unbonding_slashing(&stake.presigned, owner, &origins).unwrap(),
        SigningRequest::unbonding(&stake.presigned, owner, &origins).unwrap(),
        SigningRequest::withdrawal(&withdrawal, owner, &origins).unwrap(),
    ]
}

/// Signs as an honest wallet does: from what the PSBT says, with rust-bitcoin's own digest.
fn wallet_signs(psbt: &Psbt, signers: &[u32]) -> Psbt {
    let mut signed = psbt.clone();
    let prevouts: Vec<_> = psbt.inputs.iter().map(|input| input.witness_utxo.clone().unwrap()).collect();
    for (i, input) in signed.inputs.iter_mut().enumerate() {
        let (script, version) = input.tap_scripts.values().next().unwrap().clone();
        let leaf = TapLeafHash::from_script(&script, version);
        let digest = SighashCache::new(&psbt.unsigned_tx)
            .taproot_script_spend_signature_hash(i, &Prevouts::All(&prevouts), leaf, TapSighashType::Default)
            .unwrap();
        for signer in signers {
            let signature = bip340::sign(&secret(*signer), &digest.to_byte_array(), &[0; 32]);
            let key = XOnlyPublicKey::from_slice(x_only(*signer).as_bytes()).unwrap();
            assert!(input.tap_key_origins.contains_key(&key));
            let signature =
                bitcoin::secp256k1::schnorr::Signature::from_slice(&signature.to_bytes()).unwrap();
            let signature = bitcoin::taproot::Signature { signature, sighash_type: TapSighashType::Default };
            input.tap_script_sigs.insert((key, leaf), signature);
        }
    }
    signed
}

#[test]
fn an_honest_wallets_signatures_are_accepted() {
    for (n, m) in [(1, 1), (3, 2)] {
        for request in requests(&stake(n, m)) {
            let serialized = wallet_signs(request.psbt(), &(0..m).collect::<Vec<_>>()).serialize();
            let returned = Psbt::deserialize(&serialized).unwrap();
            let signed = check_returned(&CURVE, &request, &returned).unwrap();
            assert_eq!(signed.len(), 1);
            assert_eq!(signed[0].len(), m as usize);
        }
    }
}

#[test]
fn too_few_keys_of_several_are_refused() {
    for request in requests(&stake(3, 2)) {
        let returned = wallet_signs(request.psbt(), &[1]);
        let refused = check_returned(&CURVE, &request, &returned);
        assert!(matches!(refused, Err(PsbtError::Missing { found: 1, quorum: 2, .. })));
    }
}

type Tamper = (&'static str, fn(&mut Psbt));

/// Traps A25 and A26: whatever a wallet changes is found, and named.
#[test]
fn a_wallet_that_changes_anything_is_refused() {
    let tampers: [Tamper; 8] = [
        ("version", |psbt| psbt.unsigned_tx.version.0 += 1),
        ("lock time", |psbt| psbt.unsigned_tx.lock_time = bitcoin::absolute::LockTime::from_consensus(5)),
        ("inputs or sequences", |psbt| psbt.unsigned_tx.input[0].sequence.0 ^= 1),
        ("inputs or sequences", |psbt| psbt.unsigned_tx.input[0].previous_output.vout ^= 1),
        ("outputs", |psbt| psbt.unsigned_tx.output[0].value -= bitcoin::Amount::ONE_SAT),
        ("outputs", |psbt| psbt.unsigned_tx.output[0].script_pubkey = bitcoin::ScriptBuf::new()),
        ("outputs", |psbt| psbt.unsigned_tx.output.push(bitcoin::TxOut::NULL)),
        ("spent output", |psbt| {
            psbt.inputs[0].witness_utxo.as_mut().unwrap().value += bitcoin::Amount::ONE_SAT;
        }),
    ];
    for request in requests(&stake(1, 1)) {
        for (field, tamper) in tampers {
            let mut changed = request.psbt().clone();
            tamper(&mut changed);
            // The wallet signs what it made of the transaction.
            let returned = wallet_signs(&changed, &[0]);
            match check_returned(&CURVE, &request, &returned) {
                Err(PsbtError::Changed(found)) => assert_eq!(found, field),
                other => panic!("{field}: {other:?}"),
            }
        }
    }
}

#[test]
fn a_signature_of_another_type_key_or_leaf_is_refused() {
    for request in requests(&stake(1, 1)) {
        let honest = wallet_signs(request.psbt(), &[0]);
        let ((key, leaf), signature) = honest.inputs[0].tap_script_sigs.first_key_value().unwrap();
        let with = |key, leaf, signature| {
            let mut psbt = request.psbt().clone();
            psbt.inputs[0].tap_script_sigs.insert((key, leaf), signature);
            check_returned(&CURVE, &request, &psbt)
        };
        let all = bitcoin::taproot::Signature { sighash_type: TapSighashType::All, ..*signature };
        assert!(matches!(with(*key, *leaf, all), Err(PsbtError::SighashType(0))));
        let other_leaf = TapLeafHash::from_byte_array([1; 32]);
        assert!(matches!(with(*key, other_leaf, *signature), Err(PsbtError::OtherKeyOrLeaf(0))));
        let other_key = XOnlyPublicKey::from_slice(x_only(5).as_bytes()).unwrap();
        assert!(matches!(with(other_key, *leaf, *signature), Err(PsbtError::OtherKeyOrLeaf(0))));
        let mut bytes = signature.signature.serialize();
        bytes[40] ^= 1;
        let broken = bitcoin::secp256k1::schnorr::Signature::from_slice(&bytes).unwrap();
        let broken = bitcoin::taproot::Signature { signature: broken, ..*signature };
        assert!(matches!(with(*key, *leaf, broken), Err(PsbtError::Invalid { index: 0, .. })));
        let unsigned = check_returned(&CURVE, &request, request.psbt());
        assert!(matches!(unsigned, Err(PsbtError::Missing { found: 0, .. })));
    }
}

#[test]
fn a_finished_witness_is_accepted_too() {
    let request = requests(&stake(1, 1)).pop().unwrap();
    let honest = wallet_signs(request.psbt(), &[0]);
    let signature = honest.inputs[0].tap_script_sigs.values().next().unwrap();
    let (block, (script, _)) = honest.inputs[0].tap_scripts.first_key_value().unwrap();
    let mut witness = Witness::new();
    witness.push(signature.serialize());
    witness.push(script.as_bytes());
    witness.push(block.serialize());
    let mut finished = request.psbt().clone();
    finished.inputs[0].final_script_witness = Some(witness.clone());
    assert_eq!(check_returned(&CURVE, &request, &finished).unwrap()[0].len(), 1);
    let mut tx = finished.unsigned_tx;
    tx.input[0].witness = witness;
    let tx = Transaction::from(&tx);
    assert_eq!(check_returned_transaction(&CURVE, &request, &tx).unwrap()[0].len(), 1);
    let mut changed = tx.clone();
    changed.outputs[0].value.0 -= 1;
    assert!(check_returned_transaction(&CURVE, &request, &changed).is_err());
}

/// Trap A27.
#[test]
fn what_a_wallet_says_about_an_output_is_checked() {
    let previous = common::tx(&cases("witness")[0].input["staking_tx"]);
    let outpoint = OutPoint { txid: previous.txid(), vout: 0 };
    let output = previous.outputs[0].clone();
    assert!(check_previous_output(outpoint, &output, &previous).is_ok());
    let lied = TxOut::new(Sat(output.value.0 + 1), output.script.clone());
    assert!(matches!(check_previous_output(outpoint, &lied, &previous), Err(PsbtError::PreviousOutput(_))));
    let other = OutPoint { txid: Txid([1; 32]), ..outpoint };
    assert!(matches!(
        check_previous_output(other, &output, &previous),
        Err(PsbtError::PreviousTransaction(_))
    ));
    assert!(list(&cases("staking")[0].input["fp_pks"]).len() < 10);
}
