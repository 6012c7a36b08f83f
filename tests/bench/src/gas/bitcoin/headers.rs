//! A hundred headers in one message, under mainnet's rules at low difficulty, with a retarget among them.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;
use mesh_harness::chain::{Chain, ChainConfig};
use mesh_harness::clock::Clock;
use mesh_harness::miner::{Miner, light_client, rules};
use staking_api::light_client::{ExecuteMsg, Network};

use super::world::account;
use crate::gas::contracts::{Engine, HUB_PREFIX, set};
use crate::gas::meter::Meter;
use crate::gas::row::Row;

/// One hash in 256 has the work.
const LIMIT_BITS: u32 = 0x2000_ffff;
const START: u32 = 1_700_000_000;
/// Seconds between blocks: a little slow, so that the difficulty stays at the limit after each period.
const SPACING: u32 = 601;
/// Headers there are before; the period ends within the next hundred.
const BEFORE: u32 = 1_966;
const BATCH: u32 = 100;

/// The row of headers.
pub(crate) fn measure(engine: Engine) -> Result<Vec<Row>> {
    let mut miner = Miner::with(START, LIMIT_BITS, SPACING);
    let (clock, meter) = (Clock::manual(u64::from(START)), Arc::<Meter>::default());
    let config = ChainConfig::new("mesh-hub-1", HUB_PREFIX, "umesh")
        .contracts(set(engine, &meter, HUB_PREFIX, &["btc-light-client"])?)
        .clock(clock.clone())
        .rpc_port(None);
    let (hub, admin) = (Chain::start(config)?, account("admin")?);
    let network = Network::Custom(rules(LIMIT_BITS, 14 * 24 * 3_600, 600));
    let msg = light_client(network, &miner.blocks[0].header, 10);
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
