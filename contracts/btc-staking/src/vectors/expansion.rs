//! The family `stake_expansion`: the structure is judged when an expansion is registered, the signature when a
//! covenant member's is added. The family tells neither providers nor staking times, so its stakes cannot be
//! rebuilt: where the structure holds, registration goes on and stops at the missing staking output.

use super::*;
use staking_crypto::adaptor::{self, EncryptionKey};
use staking_crypto::{XOnly, bip340};
use staking_protocol::context::Domain;
use staking_protocol::possession::{ChainAddress, bip340_digest};
use staking_protocol::taproot::leaf_hash;
use staking_protocol::tx::ExpansionTx;
use staking_protocol::tx::sighash::Prevout;

/// A17, A18, G5: two inputs, the old stake first, a funding output that is there and holds coins.
#[test]
fn expansions_are_judged_as_babylon_does() {
    for (engine, case) in on_all("stake_expansion") {
        let name = format!("{engine:?} case {} {}", case["id"], case["kind"]);
        let error = register(engine, &case["in"]);
        let structure = error.contains("with the staking script");
        assert_eq!(structure, case["out"]["parse_ok"] == true, "{name}: {error}");
        if structure {
            let answer = sign(engine, &case["in"]);
            assert_eq!(answer.is_ok(), case["ok"] == true, "{name}: {answer:?}");
        }
    }
}

/// The old stake of a case as a stored delegation that counts.
fn previous(contract: &mut Contract, input: &Value) -> Registration {
    let tx = Transaction::parse(&bytes(&input["previous_staking_tx"])).unwrap();
    let vout = u32::try_from(number(&input["previous_output_idx"])).unwrap();
    let value = tx.output(vout).unwrap().value.0;
    let outpoint = OutPoint { txid: tx.txid(), vout };
    put_provider(contract, &json!(THRICE));
    let mut old =
        registration(outpoint, &input["staker_pk"], &[json!(THRICE)], value, tx.serialize_stripped());
    old.quorum = 0;
    old.save(&mut contract.storage).unwrap();
    Life { start: Some(1), counted: true, ..Life::default() }.save(&mut contract.storage, old.id());
    old
}

/// Registers the expansion of a case; how it is refused.
fn register(engine: Engine, input: &Value) -> String {
    let mut contract = start(engine, at(1), "bbn", vec![roomy()]).unwrap();
    previous(&mut contract, input);
    let (staker, owner) = (secret(7), contract.account("staker"));
    let address = ChainAddress::parse(owner.as_str()).unwrap();
    let pop = bip340::sign(&staker, &bip340_digest(&Domain::Plain, address.raw()), &[0; 32]);
    let json = json!({"register_delegation": {
        "staker_pk": Key::from_bytes(staker.x_only().to_bytes()),
        "pop": {"kind": "bip340", "signature": Binary(pop.to_bytes().to_vec())},
        "fp_pks": [THRICE], "staking_time": 1000, "staking_value_sat": 10_000,
        "staking_tx": base64(&input["expansion_tx"]),
        "slashing_signature": Binary(vec![1; 64]), "unbonding_slashing_signature": Binary(vec![1; 64]),
        "expansion": {
            "previous_txid": input["previous_staking_txid"],
            "funding_tx": base64(&input["funding_tx"]),
        },
    }});
    send(&mut contract, owner.as_str(), json).unwrap_err()
}

/// Adds the case's signature of the old stake's input as a covenant member's: the signer of the family is the
/// only member, and signs the rest of what a member must sign itself.
fn sign(engine: Engine, input: &Value) -> Result<(), String> {
    let member = SecretKey::from_bytes(&bytes(&input["staker_sk"]).try_into().unwrap()).unwrap();
    let mut terms = roomy();
    terms["covenant_pks"] = json!([input["staker_pk"]]);
    let mut contract = start(engine, at(1), "bbn", vec![terms]).unwrap();
    let old = previous(&mut contract, input);
    let tx = Transaction::parse(&bytes(&input["expansion_tx"])).unwrap();
    let outpoint = OutPoint { txid: tx.txid(), vout: 0 };
    let raw = tx.serialize_stripped();
    let mut child = registration(outpoint, &input["staker_pk"], &[json!(THRICE)], 10_000, raw);
    let sighash = digest(&old, tx, input);
    child.previous =
        Some(Previous { txid: old.txid, version: 0, quorum: 1, sighash, funding_output: vec![] });
    child.save(&mut contract.storage).unwrap();
    let [slashing, unbonding, unbonding_slashing] = child.sighashes;
    let fp = XOnly::from_bytes(&bytes(&json!(THRICE)).try_into().unwrap()).unwrap();
    let encryption = EncryptionKey::from_x_only(&fp).unwrap();
    let adaptor = |digest: &[u8; 32]| {
        Binary(adaptor::sign(&member, &encryption, digest, &[1; 32]).unwrap().to_bytes().to_vec())
    };
    let json = json!({"add_covenant_signatures": {"covenant_pk": input["staker_pk"], "items": [{
        "txid": staking_api::Txid::from_bytes(child.txid),
        "slashing": [adaptor(&slashing)],
        "unbonding": Binary(bip340::sign(&member, &unbonding, &[0; 32]).to_bytes().to_vec()),
        "unbonding_slashing": [adaptor(&unbonding_slashing)],
        "expansion": base64(&input["sig"]),
    }]}});
    send(&mut contract, "anyone", json)
}

/// What is signed over input 0, as registration computes it.
fn digest(old: &Registration, tx: Transaction, input: &Value) -> [u8; 32] {
    let old_tx = old.transaction().unwrap();
    let funding = Transaction::parse(&bytes(&input["funding_tx"])).unwrap();
    let expansion = ExpansionTx::validate(tx, old.outpoint(), &funding).unwrap();
    let leaf = leaf_hash(&bytes(&input["unbonding_script"]));
    expansion.sighash(Prevout::from(old_tx.output(old.vout).unwrap()), &leaf).0
}
