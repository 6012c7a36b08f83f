//! Thousands of headers under all rules, and reorgs of every kind of depth, on every engine of the build
//! (`mesh_harness::chain::Engine`). The chain is made by the `bitcoin` crate's own retarget rule.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::cast_possible_truncation,
    reason = "a test that cannot go on must stop"
)]

use bitcoin::block::{Header, Version};
use bitcoin::consensus::{Params, serialize};
use bitcoin::hashes::Hash;
use bitcoin::{CompactTarget, Target, TxMerkleNode, Work};
use cosmwasm_std::testing::MockQuerier;
use cosmwasm_std::{Timestamp, from_json};
use mesh_harness::chain::{Engine, Lone};
use mesh_harness::miner::{light_client, rules};
use mesh_harness::native_contract;
use staking_api::Binary;
use staking_api::light_client::{Block, ExecuteMsg, Network, QueryMsg, Reorgs, SubmitHeadersResponse, Tip};

type Contract = Lone<MockQuerier>;

const TIME: u32 = 1_700_000_000;
const K: u32 = 6;
/// Blocks to a retarget. Mainnet's 2016 would take a largest target that a test cannot mine: target times timespan has to stay
/// within 256 bits.
const PERIOD: usize = 144;
const SPACING_S: u32 = 4;
const TIMESPAN_S: u32 = SPACING_S * PERIOD as u32;
/// Seconds between blocks, by period: difficulty stays, rises twice, falls three times.
const SPACING: [u32; 6] = [4, 3, 1, 6, 9, 8];
/// The largest target, 2^244: some thousand hashes a block.
const LIMIT_BITS: u32 = 0x1f0f_ffff;

fn limit() -> CompactTarget {
    CompactTarget::from_consensus(LIMIT_BITS)
}

/// Mainnet's rules, but for the largest target and the length of a period.
fn params() -> Params {
    let mut params = Params::new(bitcoin::Network::Bitcoin);
    params.max_attainable_target = Target::from_compact(limit());
    params.pow_target_spacing = SPACING_S.into();
    params.pow_target_timespan = TIMESPAN_S.into();
    params
}

fn mined(parent: Option<&Header>, time: u32, bits: CompactTarget, salt: u8) -> Header {
    let mut header = Header {
        version: Version::from_consensus(0x2000_0000),
        prev_blockhash: parent.map_or(bitcoin::BlockHash::all_zeros(), Header::block_hash),
        merkle_root: TxMerkleNode::from_byte_array([salt; 32]),
        time,
        bits,
        nonce: 0,
    };
    while !header.target().is_met_by(header.block_hash()) {
        header.nonce += 1;
    }
    header
}

/// Extends a chain that begins at a retarget.
fn extend(chain: &mut Vec<Header>, count: u32, salt: u8) {
    for _ in 0..count {
        let (height, last) = (chain.len(), *chain.last().unwrap());
        let bits = if height.is_multiple_of(PERIOD) {
            let taken = u64::from(last.time - chain[height - PERIOD].time);
            CompactTarget::from_next_work_required(last.bits, taken, params())
        } else {
            last.bits
        };
        let time = last.time + SPACING[(height / PERIOD) % SPACING.len()];
        chain.push(mined(Some(&last), time, bits, salt));
    }
}

fn chain_of(count: u32) -> Vec<Header> {
    let mut chain = vec![mined(None, TIME, limit(), 0)];
    extend(&mut chain, count, 0);
    chain
}

fn start(engine: Engine, base: &Header) -> Contract {
    let native = native_contract!(btc_light_client, migrate);
    let mut contract =
        Lone::new(engine, "btc-light-client", native, "cosmwasm", MockQuerier::default()).unwrap();
    let network = Network::Custom(rules(LIMIT_BITS, TIMESPAN_S, SPACING_S));
    let msg = light_client(network, &serialize(base), K);
    contract.env.block.time = Timestamp::from_seconds(u64::from(base.time));
    let admin = contract.account("admin");
    contract.instantiate(&admin, &msg).unwrap();
    contract
}

/// Submits headers when the last of them is mined.
fn submit(contract: &mut Contract, headers: &[Header]) -> Result<SubmitHeadersResponse, String> {
    let now = headers.iter().map(|header| u64::from(header.time)).max().unwrap();
    contract.env.block.time = contract.env.block.time.max(Timestamp::from_seconds(now));
    let headers = Binary(headers.iter().flat_map(serialize).collect());
    let anyone = contract.account("anyone");
    let response = contract.execute(&anyone, &ExecuteMsg::SubmitHeaders { headers, limit: None })?;
    Ok(from_json(response.data.unwrap()).unwrap())
}

fn tip(contract: &Contract) -> Tip {
    contract.query(&QueryMsg::Tip {}).unwrap()
}

fn work(chain: &[Header]) -> Work {
    chain.iter().map(Header::work).reduce(|sum, work| sum + work).unwrap()
}

#[test]
fn twelve_thousand_headers_sync_through_83_retargets() {
    let chain = chain_of(12_000);
    let mut difficulties: Vec<_> = chain.iter().map(|header| header.bits.to_consensus()).collect();
    difficulties.dedup();
    assert!(difficulties.len() > 4, "{difficulties:x?}");
    for engine in Engine::all() {
        let mut contract = start(*engine, &chain[0]);
        for batch in chain[1..].chunks(1000) {
            let answer = submit(&mut contract, batch).unwrap();
            assert_eq!((answer.accepted as usize, answer.refused), (batch.len(), None), "{engine:?}");
        }
        let tip = tip(&contract);
        assert_eq!(tip.block.height, 12_000);
        assert_eq!(tip.block.hash.to_bytes(), chain[12_000].block_hash().to_byte_array());
        assert_eq!(tip.work.to_bytes(), work(&chain).to_be_bytes(), "{engine:?}");
    }
}

/// Trap E8: the first block of a period with the old target, and a block within one with another target.
#[test]
fn a_target_that_is_not_the_retargets_is_refused() {
    let chain = chain_of(PERIOD as u32 * 2);
    let (before, at) = (chain[PERIOD * 2 - 1], chain[PERIOD * 2]);
    assert_ne!(before.bits, at.bits);
    let late = mined(Some(&before), at.time, before.bits, 9);
    let early = mined(Some(&chain[PERIOD * 2 - 2]), before.time, at.bits, 9);
    for engine in Engine::all() {
        let mut contract = start(*engine, &chain[0]);
        submit(&mut contract, &chain[1..PERIOD * 2 - 1]).unwrap();
        assert!(submit(&mut contract, &[early]).is_err(), "{engine:?}");
        submit(&mut contract, &[before]).unwrap();
        assert!(submit(&mut contract, &[late]).is_err(), "{engine:?}");
        submit(&mut contract, &[at]).unwrap();
        assert_eq!(tip(&contract).block.height as usize, PERIOD * 2);
    }
}

#[test]
fn reorgs_of_depth_one_k_minus_one_k_and_two_k_are_followed() {
    for engine in Engine::all() {
        for (depth, deep) in [(1, 0), (K - 1, 0), (K, 1), (2 * K, 1)] {
            follow_reorg(*engine, depth, deep);
        }
    }
}

/// A branch from `depth` below a tip at 30 overtakes, and is overtaken.
fn follow_reorg(engine: Engine, depth: u32, deep: u32) {
    let mut old = chain_of(30);
    let mut contract = start(engine, &old[0]);
    submit(&mut contract, &old[1..]).unwrap();
    let fork = (30 - depth) as usize;
    let mut branch = old[..=fork].to_vec();
    extend(&mut branch, depth + 1, 1);

    let answer = submit(&mut contract, &branch[fork + 1..31]).unwrap();
    assert_eq!(
        answer.tip.hash.to_bytes(),
        old[30].block_hash().to_byte_array(),
        "equal work changes nothing"
    );
    let answer = submit(&mut contract, &branch[31..]).unwrap();
    assert_eq!((answer.tip.height, answer.refused), (31, None), "{engine:?} depth {depth}");
    assert_eq!(tip(&contract).deep_reorgs, deep, "{engine:?} depth {depth}");
    for (height, header) in (0u32..).zip(&branch) {
        let block: Option<Block> = contract.query(&QueryMsg::Header { height }).unwrap();
        assert_eq!(block.unwrap().hash.to_bytes(), header.block_hash().to_byte_array());
    }
    let reorgs: Reorgs = contract.query(&QueryMsg::Reorgs { limit: None }).unwrap();
    let deepest = reorgs.deepest.unwrap();
    assert_eq!((deepest.fork_height as usize, deepest.old_height, deepest.new_height), (fork, 30, 31));

    // The branch that was left is not kept: whoever returns to it sends it again from the fork on.
    extend(&mut old, 3, 0);
    submit(&mut contract, &old[fork + 1..]).unwrap();
    assert_eq!(tip(&contract).block.hash.to_bytes(), old[33].block_hash().to_byte_array());
}
