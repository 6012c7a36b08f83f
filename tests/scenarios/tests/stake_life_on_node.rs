//! Stakes live their whole life on the embedded node, where the rules outside of the script (maturity of locks, fees, standardness) apply as well
//! as Core's interpreter. The scripts alone are for `spend_paths.rs`.
#![allow(clippy::unwrap_used, clippy::panic)]

#[path = "spend_paths/cast.rs"]
mod cast;

use bitcoin::consensus::deserialize;
use bitcoin::{Amount, ScriptBuf};
use cast::{Cast, SHAPES, STAKE, slashing_terms};
use mesh_harness::bitcoin::{KernelNode, Options, RpcFailure, RpcNode};
use staking_protocol::script::{StakingPath, UnbondingPath};
use staking_protocol::taproot::Leaf;
use staking_protocol::tx::slashing::Funding;
use staking_protocol::tx::withdrawal::Withdrawable;
use staking_protocol::tx::{OutPoint, Sat, SlashingTx, Transaction, Txid, UnbondingTx, WithdrawalTx};

fn native(tx: &Transaction) -> bitcoin::Transaction {
    deserialize(&tx.serialize()).unwrap()
}

fn send(rpc: &RpcNode, tx: &Transaction) -> Result<bitcoin::Txid, RpcFailure> {
    let hex = bitcoin::consensus::encode::serialize_hex(&native(tx));
    let txid = rpc.call("sendrawtransaction", &serde_json::json!([hex, 0, 1]))?;
    Ok(txid.as_str().unwrap().parse().unwrap())
}

fn stake(rpc: &RpcNode, cast: &Cast) -> OutPoint {
    let script = ScriptBuf::from_bytes(cast.scripts.staking.pk_script().to_vec());
    let point = rpc.fund_script(&script, Amount::from_sat(STAKE.0)).unwrap();
    rpc.mine(1).unwrap();
    OutPoint { txid: Txid(*point.txid.as_ref()), vout: point.vout }
}

fn withdraw(cast: &Cast, source: Withdrawable) -> Transaction {
    let tx = WithdrawalTx::build(vec![source], &[&[0x51, 0x20][..], &[2; 32]].concat(), Sat(500)).unwrap();
    let digests = tx.sighashes().unwrap();
    tx.sign(&cast.owner(), &[cast.staker_signatures(3, &digests[0])]).unwrap()
}

/// Sent one block early it is refused as not final; one block later it is mined.
fn withdraw_when_due(rpc: &RpcNode, cast: &Cast, source: Withdrawable) {
    let lock = u64::from(source.lock());
    let tx = withdraw(cast, source);
    rpc.mine(lock - 2).unwrap();
    assert!(
        matches!(send(rpc, &tx), Err(RpcFailure::Refused { code: -26, message }) if message == "non-BIP68-final")
    );
    rpc.mine(1).unwrap();
    send(rpc, &tx).unwrap();
    rpc.mine(1).unwrap();
    assert!(rpc.mempool().unwrap().is_empty());
}

fn slash(rpc: &RpcNode, cast: &Cast, case: &([u8; 34], Leaf, Vec<u8>), funding: Funding) -> SlashingTx {
    let (script, leaf, control) = case;
    let tx = cast.slashing_tx(funding);
    let digest = tx.sighash(script, leaf.hash());
    let stack = cast.slashing_witness(0, &digest, leaf, control);
    send(rpc, &tx.with_witness(stack)).unwrap();
    rpc.mine(1).unwrap();
    assert_eq!(tx.slashed(), slashing_terms().slash(funding.value).unwrap());
    tx
}

/// Stakes, and unbonds at once.
fn unbond(rpc: &RpcNode, cast: &Cast) -> UnbondingTx {
    let (output, path) = (&cast.scripts.staking, StakingPath::Unbonding);
    let tx = cast.unbonding_tx(stake(rpc, cast));
    let stack =
        cast.unbonding_witness(&tx.sighash(STAKE, output), output.leaf(path), &output.control_block(path));
    send(rpc, &tx.with_witness(stack)).unwrap();
    rpc.mine(1).unwrap();
    tx
}

fn withdraw_change(rpc: &RpcNode, cast: &Cast, tx: &SlashingTx) {
    let source =
        Withdrawable::change(tx.change_outpoint(), tx.change(), &cast.scripts.change, cast.unbonding_time);
    withdraw_when_due(rpc, cast, source);
}

/// Runs a story with three shapes of stake, on one node.
fn with_stakes(story: impl Fn(&RpcNode, &Cast)) {
    let node = KernelNode::temporary(Options::default()).unwrap();
    let rpc = node.handle().rpc().unwrap();
    for shape in [SHAPES[1], SHAPES[4], SHAPES[6]] {
        story(&rpc, &Cast::locked(shape, 12, 5));
    }
}

#[test]
fn a_stake_is_withdrawn_when_its_time_is_over() {
    with_stakes(|rpc, cast| {
        let source = Withdrawable::staking(stake(rpc, cast), STAKE, &cast.scripts.staking, cast.staking_time);
        withdraw_when_due(rpc, cast, source);
    });
}

#[test]
fn an_unbonded_stake_is_withdrawn_after_the_unbonding_time() {
    with_stakes(|rpc, cast| {
        let tx = unbond(rpc, cast);
        let source =
            Withdrawable::unbonding(tx.outpoint(), tx.value(), &cast.scripts.unbonding, cast.unbonding_time);
        withdraw_when_due(rpc, cast, source);
    });
}

#[test]
fn a_slashed_stake_leaves_its_change() {
    with_stakes(|rpc, cast| {
        let (output, path) = (&cast.scripts.staking, StakingPath::Slashing);
        let case = (output.pk_script(), output.leaf(path).clone(), output.control_block(path));
        let tx = slash(rpc, cast, &case, Funding { outpoint: stake(rpc, cast), value: STAKE });
        withdraw_change(rpc, cast, &tx);
    });
}

#[test]
fn an_unbonding_stake_is_slashed_all_the_same() {
    with_stakes(|rpc, cast| {
        let unbonding = unbond(rpc, cast);
        let (output, path) = (&cast.scripts.unbonding, UnbondingPath::Slashing);
        let case = (output.pk_script(), output.leaf(path).clone(), output.control_block(path));
        let tx =
            slash(rpc, cast, &case, Funding { outpoint: unbonding.outpoint(), value: unbonding.value() });
        withdraw_change(rpc, cast, &tx);
    });
}
