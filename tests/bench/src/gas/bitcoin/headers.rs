//! A hundred headers in one message, under mainnet's rules at low difficulty, with a retarget among them.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;
use mesh_harness::chain::{Chain, ChainConfig};
use mesh_harness::clock::Clock;
use staking_api::Binary;
use staking_api::light_client::{BaseHeader, CustomRules, ExecuteMsg, InstantiateMsg, Network};
use staking_protocol::header::{ChainRules, RawRules, U256};

use super::miner::{Miner, SPACING};
use super::world::account;
use crate::gas::contracts::{Engine, HUB_PREFIX, set};
use crate::gas::meter::Meter;
use crate::gas::row::Row;

/// One hash in 256 has the work.
const LIMIT_BITS: u32 = 0x2000_ffff;
const START: u32 = 1_700_000_000;
/// Headers there are before; the period ends within the next hundred.
const BEFORE: u32 = 1_966;
const BATCH: u32 = 100;

fn limit() -> [u8; 32] {
    let mut limit = [0; 32];
    limit[1..3].fill(0xff);
    limit
}

fn rules() -> Result<(CustomRules, ChainRules)> {
    let raw = RawRules {
        pow_limit: U256::from_be_bytes(limit()),
        pow_limit_bits: LIMIT_BITS,
        target_timespan: 14 * 24 * 3_600,
        target_spacing: 600,
        retarget_factor: 4,
        min_difficulty_after: None,
        no_retargeting: false,
        bip94: false,
        bip34_height: 0,
        bip66_height: 0,
        bip65_height: 0,
    };
    let custom = CustomRules {
        pow_limit: limit().into(),
        pow_limit_bits: raw.pow_limit_bits,
        target_timespan: raw.target_timespan,
        target_spacing: raw.target_spacing,
        retarget_factor: raw.retarget_factor,
        min_difficulty_after: None,
        no_retargeting: raw.no_retargeting,
        bip94: raw.bip94,
        bip34_height: raw.bip34_height,
        bip66_height: raw.bip66_height,
        bip65_height: raw.bip65_height,
    };
    Ok((custom, ChainRules::new(raw)?))
}

/// The row of headers.
pub(crate) fn measure(engine: Engine) -> Result<Vec<Row>> {
    let (custom, rules) = rules()?;
    let mut miner = Miner::new(rules, START, LIMIT_BITS);
    let (clock, meter) = (Clock::manual(u64::from(START)), Arc::<Meter>::default());
    let config = ChainConfig::new("mesh-hub-1", HUB_PREFIX, "umesh")
        .contracts(set(engine, &meter, HUB_PREFIX, &["btc-light-client"])?)
        .clock(clock.clone())
        .rpc_port(None);
    let (hub, admin) = (Chain::start(config)?, account("admin")?);
    let msg = InstantiateMsg {
        network: Network::Custom(custom),
        base: BaseHeader { header: Binary(miner.base().to_vec()), height: 0, work: None },
        confirmation_depth: 10,
        max_reorg_depth: None,
        keep_depth: None,
        max_tip_age_seconds: None,
        admin: None,
        guardian: None,
        reporters: vec![],
    };
    let light_client = hub.instantiate(&admin, hub.store("btc-light-client")?, &msg, "headers", &[])?;
    let submit = |miner: &mut Miner, count: u32| -> Result<ExecuteMsg> {
        let from = miner.height();
        miner.mine_empty(count);
        clock.advance(Duration::from_secs(u64::from(count * SPACING)));
        Ok(ExecuteMsg::SubmitHeaders { headers: miner.headers_after(from), limit: None })
    };
    let before = submit(&mut miner, BEFORE)?;
    hub.execute(&admin, &light_client, &before, &[])?;
    let batch = submit(&mut miner, BATCH)?;
    let (_, calls) = meter.measure(|| hub.execute(&admin, &light_client, &batch, &[]))?;
    let one = submit(&mut miner, 1)?;
    let (_, single) = meter.measure(|| hub.execute(&admin, &light_client, &one, &[]))?;
    Ok(vec![Row::each("header-batch-100-each", u64::from(BATCH), calls), Row::one("header-single", single)])
}
