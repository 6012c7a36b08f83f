//! Vectors through everything that runs without C: schemes, scripts, transactions, inclusion, headers.
//!
//! `tests/run.d/miri` interprets it and finds undefined behaviour in what the libraries stand on (they have no
//! `unsafe` code themselves); `cargo test` runs it natively. Few cases of each kind: Miri is a thousand times slower.
#![allow(clippy::unwrap_used, reason = "tests")]

use hex_conservative::FromHex;
use serde_json::Value;
use staking_crypto::adaptor::{self, AdaptorSignature, EncryptionKey};
use staking_crypto::curve::Pure;
use staking_crypto::{Point, XOnly, bip340, eots};
use staking_protocol::header::{ChainRules, Header, TipContext, ValidHeader};
use staking_protocol::inclusion::{MerkleBranch, confirm};
use staking_protocol::keys::{CovenantKey, Covenants, ProviderKey, Providers, StakerKey, Stakers};
use staking_protocol::script::ScriptTemplates;
use staking_protocol::timelock::StakingTime;
use staking_protocol::tx::Transaction;

fn cases(file: &str) -> Vec<Value> {
    let mut file: Value = serde_json::from_str(file).unwrap();
    let Value::Array(cases) = file["cases"].take() else { panic!("no cases") };
    cases
}

fn bytes(value: &Value) -> Vec<u8> {
    Vec::from_hex(value.as_str().unwrap()).unwrap()
}

fn array<const N: usize>(value: &Value) -> [u8; N] {
    bytes(value).try_into().unwrap()
}

#[test]
fn one_time_signatures() {
    let signed = cases(include_str!("../../vectors/eots.json"));
    for case in signed.iter().filter(|case| case["in"]["op"] == "sign").take(2) {
        let (input, out) = (&case["in"], &case["out"]);
        let public = Point::from_compressed(&array(&input["pk_full"])).unwrap().x_only();
        let randomness = XOnly::from_bytes(&array(&out["pub_rand"])).unwrap();
        let (first, second) = (bytes(&input["msg1"]), bytes(&input["msg2"]));
        let [one, two] =
            ["sig1", "sig2"].map(|name| eots::Signature::from_bytes(&array(&out[name])).unwrap());
        eots::verify(&Pure, &public, &randomness, &first, &one).unwrap();
        assert!(eots::verify(&Pure, &public, &randomness, &first, &two).is_err());
        eots::extract(&Pure, &public, &randomness, (&first, &one), (&second, &two)).unwrap();
    }
}

#[test]
fn adaptor_signatures() {
    let signed = cases(include_str!("../../vectors/adaptor.json"));
    for case in signed.iter().filter(|case| case["in"]["op"] == "sign" && case["ok"] == true).take(2) {
        let (input, out) = (&case["in"], &case["out"]);
        let provider = Point::from_compressed(&array(&input["enc_pk_full"])).unwrap().x_only();
        let encryption = EncryptionKey::from_x_only(&provider).unwrap();
        let locked = AdaptorSignature::from_bytes(&bytes(&out["adaptor_sig"])).unwrap();
        let opened = bip340::Signature::from_bytes(&array(&out["schnorr_sig"])).unwrap();
        locked.extract(&Pure, &encryption, &opened).unwrap();
        assert!(adaptor::verify(&Pure, &provider, &encryption, &array(&input["msg"]), &locked).is_err());
    }
}

#[test]
fn transactions_are_read_and_written() {
    for case in cases(include_str!("../../vectors/tx_parse.json")) {
        let raw = bytes(&case["in"]["bytes"]);
        if let Ok(tx) = Transaction::parse(&raw) {
            assert_eq!(tx.serialize(), raw);
            assert_eq!(tx.txid().to_string(), case["out"]["txid"].as_str().unwrap());
        }
    }
}

#[test]
fn staking_outputs() {
    let plain = cases(include_str!("../../vectors/staking.json"));
    for case in plain.iter().filter(|case| case["kind"] == "plain").take(2) {
        let (input, out) = (&case["in"], &case["out"]);
        let list = |name: &str| input[name].as_array().unwrap().iter().map(array::<32>).collect::<Vec<_>>();
        let members = list("covenant_pks").iter().map(|key| CovenantKey::from_bytes(key).unwrap()).collect();
        let providers = list("fp_pks").iter().map(|key| ProviderKey::from_bytes(key).unwrap()).collect();
        let quorum = input["covenant_quorum"].as_u64().unwrap().try_into().unwrap();
        let templates = ScriptTemplates::new(Covenants::new(members, quorum).unwrap());
        let staker = Stakers::single(StakerKey::from_bytes(&array(&input["staker_pk"])).unwrap());
        let time = StakingTime::new(input["staking_time"].as_u64().unwrap().try_into().unwrap()).unwrap();
        let output =
            templates.staking_output(&Pure, &staker, &Providers::new(providers).unwrap(), time).unwrap();
        assert_eq!(output.pk_script().as_slice(), bytes(&out["pk_script"]));
    }
}

#[test]
fn inclusion_proofs() {
    let plain = cases(include_str!("../../vectors/spv.json"));
    for case in plain.iter().filter(|case| case["kind"] == "plain").take(3) {
        let (input, siblings) = (&case["in"], bytes(&case["in"]["proof"]));
        let index = input["index"].as_u64().unwrap().try_into().unwrap();
        let branch = MerkleBranch::new(index, &siblings).unwrap();
        let raw: [u8; 80] = array(&input["header"]);
        let header = ValidHeader::from_storage(Header::new(&raw), 7);
        assert!(confirm(&bytes(&input["tx"]), &branch, &header).is_ok());
    }
}

#[test]
fn headers_of_a_real_chain() {
    let real: Value = serde_json::from_str(include_str!("../../vectors/real/headers.json")).unwrap();
    let run = real["headers"].as_array().unwrap().iter().filter(|h| h["network"] == "mainnet");
    let run: Vec<(u64, [u8; 80])> = run
        .filter(|h| h["height"].as_u64() >= Some(900_000))
        .map(|h| (h["height"].as_u64().unwrap(), array(&h["header"])))
        .collect();
    let [(height, base), rest @ ..] = run.as_slice() else { panic!("no headers") };
    let rules = ChainRules::MAINNET;
    let mut tip =
        TipContext::from_base(&rules, Header::new(base), (*height).try_into().unwrap(), None).unwrap();
    for (_, raw) in rest.iter().take(2) {
        tip = tip.advance(&rules, Header::new(raw)).unwrap().0;
    }
    assert_eq!(TipContext::from_bytes(&tip.to_bytes()), Some(tip));
}
