//! The chain under extension, reorgs, spam and time.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::cast_possible_truncation,
    reason = "a test that cannot go on must stop"
)]

use cosmwasm_std::testing::{MockApi, MockQuerier, MockStorage, message_info, mock_dependencies, mock_env};
use cosmwasm_std::{Env, OwnedDeps, Storage, Timestamp, from_json};
use mesh_harness::miner::{Miner, REGTEST_BITS, light_client, rules};
use staking_api::light_client::{
    Block, Blocks, Config, ConfigUpdate, CustomRules, ExecuteMsg, InstantiateMsg, LocatedBlock, Network,
    QueryMsg, Reorgs, SubmitHeadersResponse, Tip,
};
use staking_api::{Binary, BlockHash};

const TIME: u32 = 1_700_000_000;
const K: u32 = 3;

type Deps = OwnedDeps<MockStorage, MockApi, MockQuerier>;

fn env(miner: &Miner) -> Env {
    let mut env = mock_env();
    env.block.time = Timestamp::from_seconds(u64::from(TIME) + 600 * u64::from(miner.height()));
    env
}

fn start(miner: &Miner, change: impl FnOnce(&mut InstantiateMsg)) -> Result<Deps, String> {
    let mut deps = mock_dependencies();
    let info = message_info(&deps.api.addr_make("admin"), &[]);
    let mut msg = InstantiateMsg {
        max_reorg_depth: Some(40),
        keep_depth: Some(2016 + 40),
        guardian: Some(deps.api.addr_make("guardian").to_string()),
        ..light_client(Network::Regtest, &miner.blocks[0].header, K)
    };
    change(&mut msg);
    btc_light_client::instantiate(deps.as_mut(), env(miner), info, msg).map_err(|e| e.to_string())?;
    Ok(deps)
}

fn execute(
    deps: &mut Deps,
    miner: &Miner,
    from: &str,
    msg: ExecuteMsg,
) -> Result<cosmwasm_std::Response, String> {
    let info = message_info(&deps.api.addr_make(from), &[]);
    btc_light_client::execute(deps.as_mut(), env(miner), info, msg).map_err(|e| e.to_string())
}

fn submit(deps: &mut Deps, miner: &Miner, headers: Binary) -> Result<SubmitHeadersResponse, String> {
    let msg = ExecuteMsg::SubmitHeaders { headers, limit: None };
    Ok(from_json(execute(deps, miner, "anyone", msg)?.data.unwrap()).unwrap())
}

fn ask<T: serde::de::DeserializeOwned>(deps: &Deps, miner: &Miner, query: QueryMsg) -> T {
    from_json(btc_light_client::query(deps.as_ref(), env(miner), query).unwrap()).unwrap()
}

fn tip(deps: &Deps, miner: &Miner) -> Tip {
    ask(deps, miner, QueryMsg::Tip {})
}

fn synced(blocks: u32) -> (Deps, Miner) {
    let mut miner = Miner::new(TIME);
    let mut deps = start(&miner, |_| {}).unwrap();
    miner.mine_empty(blocks);
    submit(&mut deps, &miner, miner.headers_after(0)).unwrap();
    (deps, miner)
}

fn records(deps: &Deps) -> usize {
    deps.storage.range(None, None, cosmwasm_std::Order::Ascending).count()
}

/// E4.
#[test]
fn reorgs_of_depth_one_k_minus_one_k_and_two_k_are_followed() {
    for (depth, deep) in [(1, 0), (K - 1, 0), (K, 1), (2 * K, 1)] {
        let (mut deps, miner) = synced(30);
        let fork = 30 - depth;
        let mut branch = miner.fork(fork);
        branch.mine_empty(depth + 1);
        let answer = submit(&mut deps, &branch, branch.headers_after(fork)).unwrap();
        assert_eq!((answer.tip.height, answer.refused), (31, None));
        assert_eq!(answer.tip.hash.to_bytes(), branch.blocks[31].hash());
        assert_eq!(tip(&deps, &branch).deep_reorgs, deep, "depth {depth}");
        for height in 0..=31u32 {
            let block: Option<Block> = ask(&deps, &branch, QueryMsg::Header { height });
            assert_eq!(block.unwrap().hash.to_bytes(), branch.blocks[height as usize].hash());
        }
        let reorgs: Reorgs = ask(&deps, &branch, QueryMsg::Reorgs { limit: None });
        let deepest = reorgs.deepest.unwrap();
        assert_eq!((deepest.fork_height, deepest.old_height, deepest.new_height), (fork, 30, 31));
        // And back again: the old branch grows longer.
        let mut old = miner.clone();
        old.mine_empty(3);
        submit(&mut deps, &old, old.headers_after(fork)).unwrap();
        assert_eq!(tip(&deps, &old).block.hash.to_bytes(), old.blocks[33].hash());
    }
}

/// E3.
#[test]
fn an_equal_branch_waits_beside_until_it_is_heavier() {
    let (mut deps, miner) = synced(20);
    let mut branch = miner.fork(18);
    branch.mine_empty(2);
    submit(&mut deps, &branch, branch.headers_after(18)).unwrap();
    assert_eq!(tip(&deps, &miner).block.hash.to_bytes(), miner.blocks[20].hash());
    let hash = BlockHash::from_bytes(branch.blocks[20].hash());
    let located: Option<LocatedBlock> = ask(&deps, &miner, QueryMsg::HeaderByHash { hash, near: None });
    assert!(!located.unwrap().main);
    branch.mine_empty(1);
    submit(&mut deps, &branch, branch.headers_after(20)).unwrap();
    assert_eq!(tip(&deps, &branch).block.hash.to_bytes(), branch.blocks[21].hash());
    let located: Option<LocatedBlock> = ask(&deps, &branch, QueryMsg::HeaderByHash { hash, near: None });
    assert!(located.unwrap().main);
}

/// E2: what is known is skipped, not fatal; nothing new is an error.
#[test]
fn duplicates_are_skipped() {
    let (mut deps, mut miner) = synced(20);
    assert!(submit(&mut deps, &miner, miner.headers_after(10)).unwrap_err().contains("known"));
    miner.mine_empty(1);
    let answer = submit(&mut deps, &miner, miner.headers_after(17)).unwrap();
    assert_eq!((answer.consumed, answer.accepted, answer.tip.height), (4, 1, 21));
}

#[test]
fn a_bad_header_does_not_undo_those_before_it() {
    let (mut deps, mut miner) = synced(5);
    miner.mine_empty(3);
    let mut headers = miner.headers_after(5).0;
    headers[2 * 80 + 4] ^= 1;
    let answer = submit(&mut deps, &miner, Binary(headers)).unwrap();
    assert_eq!((answer.accepted, answer.tip.height), (2, 7));
    assert!(answer.refused.unwrap().contains("not stored"));
}

/// E5, E7, E10, E18.
#[test]
fn headers_without_work_from_the_future_or_from_nowhere_are_refused() {
    let (mut deps, mut miner) = synced(5);
    assert!(submit(&mut deps, &miner, Binary(vec![])).unwrap_err().contains("no headers"));
    assert!(submit(&mut deps, &miner, Binary(vec![0; 79])).unwrap_err().contains("79 bytes"));
    let stranger = Miner::new(TIME + 1);
    let mut other = stranger.clone();
    other.mine_empty(2);
    assert!(submit(&mut deps, &miner, other.headers_after(0)).unwrap_err().contains("not stored"));
    let before = miner.clone();
    miner.mine_empty(20);
    let answer = submit(&mut deps, &before, miner.headers_after(5)).unwrap();
    assert_eq!(answer.tip.height, 5 + 12, "two hours are allowed");
    assert!(answer.refused.unwrap().contains("is after"));
}

/// E8.
#[test]
fn a_base_inside_a_retarget_period_is_refused() {
    let miner = Miner::new(TIME);
    let error = start(&miner, |msg| {
        msg.network = Network::Mainnet;
        msg.base.height = 1000;
    });
    assert!(error.err().unwrap().contains("retarget period"));
}

#[test]
fn deeper_forks_than_the_window_are_refused() {
    let (mut deps, miner) = synced(60);
    let mut branch = miner.fork(15);
    branch.mine_empty(50);
    assert!(submit(&mut deps, &branch, branch.headers_after(15)).is_err());
    assert_eq!(tip(&deps, &miner).block.height, 60);
}

/// E1.
#[test]
fn a_stale_tip_is_told() {
    let (deps, mut miner) = synced(5);
    assert!(tip(&deps, &miner).fresh);
    miner.mine_empty(50);
    assert!(!tip(&deps, &miner).fresh);
}

/// E16.
#[test]
fn ten_thousand_headers_leave_a_bounded_store() {
    let (mut deps, mut miner) = synced(1);
    let mut last = 1;
    for _ in 0..25 {
        miner.mine_empty(400);
        let headers = miner.headers_after(last);
        assert_eq!(submit(&mut deps, &miner, headers).unwrap().refused, None);
        last = miner.height();
        for _ in 0..2 {
            execute(&mut deps, &miner, "anyone", ExecuteMsg::Prune { limit: 100 }).unwrap();
        }
    }
    let config: Config = ask(&deps, &miner, QueryMsg::Config {});
    assert!(config.lowest_height + 2016 + 40 <= last && config.lowest_height > 7000);
    assert!(records(&deps) < 160, "{} records", records(&deps));
    let page: Blocks =
        ask(&deps, &miner, QueryMsg::Headers { start_after: None, limit: Some(5), descending: true });
    assert_eq!(page.blocks[0].height, last);
    // A reorg still finds what it needs.
    let mut branch = miner.fork(last - 30);
    branch.mine_empty(31);
    submit(&mut deps, &branch, branch.headers_after(last - 30)).unwrap();
    assert_eq!(tip(&deps, &branch).block.height, last + 1);
}

#[test]
fn side_branches_are_bounded_and_pruned() {
    let (mut deps, mut miner) = synced(60);
    for _ in 0..40 {
        let mut branch = miner.fork(55);
        miner.fork_salt();
        branch.mine_empty(5);
        let _ = submit(&mut deps, &branch, branch.headers_after(55));
    }
    assert!(records(&deps) < 2 * 4 * 40 + 30);
    miner.mine_empty(60);
    submit(&mut deps, &miner, miner.headers_after(60)).unwrap();
    for _ in 0..3 {
        execute(&mut deps, &miner, "anyone", ExecuteMsg::Prune { limit: 100 }).unwrap();
    }
    assert!(records(&deps) < 30, "{}", records(&deps));
}

#[test]
fn only_reporters_submit_where_there_are_some_and_nobody_while_paused() {
    let (mut deps, mut miner) = synced(5);
    let reporter = deps.api.addr_make("reporter").to_string();
    let update = ConfigUpdate { reporters: Some(vec![reporter]), ..Default::default() };
    assert!(execute(&mut deps, &miner, "anyone", ExecuteMsg::UpdateConfig(update.clone())).is_err());
    execute(&mut deps, &miner, "admin", ExecuteMsg::UpdateConfig(update)).unwrap();
    miner.mine_empty(1);
    let msg = || ExecuteMsg::SubmitHeaders { headers: miner.headers_after(5), limit: None };
    assert!(execute(&mut deps, &miner, "anyone", msg()).unwrap_err().contains("reporters"));
    execute(&mut deps, &miner, "guardian", ExecuteMsg::SetPaused { paused: true }).unwrap();
    assert!(execute(&mut deps, &miner, "reporter", msg()).unwrap_err().contains("paused"));
    assert!(execute(&mut deps, &miner, "guardian", ExecuteMsg::SetPaused { paused: false }).is_err());
    execute(&mut deps, &miner, "admin", ExecuteMsg::SetPaused { paused: false }).unwrap();
    execute(&mut deps, &miner, "reporter", msg()).unwrap();
}

/// A network that retargets every ten blocks, by a quarter at least and fourfold at most.
fn fast_network() -> CustomRules {
    rules(REGTEST_BITS, 6_000, 600)
}

/// Times and difficulties of two branches of that network: the first is longer, the second heavier. They part at
/// height 15.
fn two_branches() -> (Miner, Miner) {
    /// A fourth of the easiest target.
    const HARD: u32 = 0x201f_ffff;
    let mut long = Miner::new(TIME);
    let mut at = TIME;
    for height in 1..=15 {
        at += if height < 10 { 700 } else { 100 };
        long.mine_at(at, REGTEST_BITS);
    }
    let mut heavy = long.fork(15);
    for number in 1..=8 {
        heavy.mine_at(at + 100 * number, if number < 5 { REGTEST_BITS } else { HARD });
    }
    for height in 16..=26 {
        at += if height < 20 { 1_500 } else { 600 };
        long.mine_at(at, REGTEST_BITS);
    }
    (long, heavy)
}

/// E6: a shorter branch of more work leaves no height of the longer one behind.
#[test]
fn a_shorter_heavier_branch_leaves_nothing_behind() {
    let (long, heavy) = two_branches();
    let mut deps = start(&long, |msg| msg.network = Network::Custom(fast_network())).unwrap();
    assert_eq!(submit(&mut deps, &long, long.headers_after(0)).unwrap().refused, None);
    assert_eq!(tip(&deps, &long).block.height, 26);
    let answer = submit(&mut deps, &long, heavy.headers_after(15)).unwrap();
    assert_eq!((answer.refused, answer.tip.height), (None, 23));
    for height in 24..=30 {
        let block: Option<Block> = ask(&deps, &long, QueryMsg::Header { height });
        assert_eq!(block, None, "{height}");
    }
    for height in 16..=26u32 {
        let hash = BlockHash::from_bytes(long.blocks[height as usize].hash());
        let found: Option<LocatedBlock> = ask(&deps, &long, QueryMsg::HeaderByHash { hash, near: None });
        assert!(found.is_none_or(|found| !found.main), "{height}");
    }
}

/// E4: what was k deep under the highest tip is in question when it goes, though the tip was lowered before.
#[test]
fn depth_is_counted_from_the_highest_tip() {
    let (long, heavy) = two_branches();
    let mut deps = start(&long, |msg| msg.network = Network::Custom(fast_network())).unwrap();
    submit(&mut deps, &long, long.headers_after(0)).unwrap();
    submit(&mut deps, &long, heavy.headers_after(15)).unwrap();
    assert_eq!(tip(&deps, &long).deep_reorgs, 1);
    // Two blocks of the new tip go, fewer than k; five of the old one's height.
    let mut again = heavy.fork(21);
    let at = TIME + 9 * 700 + 6 * 100 + 650;
    for number in 1..=3 {
        again.mine_at(at + 100 * number, 0x201f_ffff);
    }
    let answer = submit(&mut deps, &long, again.headers_after(21)).unwrap();
    assert_eq!((answer.refused, answer.tip.height), (None, 24));
    assert_eq!(tip(&deps, &long).deep_reorgs, 2);
}

/// E17: hashes are written as explorers write them, and read back the same way.
#[test]
fn hashes_are_written_in_display_order() {
    const GENESIS: &str = "0100000000000000000000000000000000000000000000000000000000000000000000003ba3edfd7a7b12b27ac72c3e\
                           67768f617fc81bc3888a51323a9fb8aa4b1e5e4a29ab5f49ffff001d1dac2b7c";
    let raw: Vec<u8> =
        (0..160).step_by(2).map(|i| u8::from_str_radix(&GENESIS[i..i + 2], 16).unwrap()).collect();
    let miner = Miner::new(TIME);
    let deps = start(&miner, |msg| {
        msg.network = Network::Mainnet;
        msg.base.header = Binary(raw);
    });
    let (deps, shown) = (deps.unwrap(), "000000000019d6689c085ae165831e934ff763ae46a2a6c172b3f1b60a8ce26f");
    let block: Block = ask(&deps, &miner, QueryMsg::Base {});
    assert_eq!(block.hash.to_string(), shown);
    assert_eq!(serde_json::to_value(block.hash).unwrap(), shown);
    let by = |hash: &str| {
        let query = serde_json::json!({"header_by_hash": {"hash": hash}});
        ask::<Option<LocatedBlock>>(&deps, &miner, serde_json::from_value(query).unwrap())
    };
    assert!(by(shown).unwrap().main);
    let reversed: String = (0..64).step_by(2).rev().map(|i| &shown[i..i + 2]).collect();
    assert_eq!(by(&reversed), None);
}
