//! Starting the light client at a pinned base header (traps E8, E18).

use contract_host::admin::Roles;
use contract_host::headers::{Chunk, Entry, TipRecord};
use cosmwasm_std::{DepsMut, MessageInfo, Response};
use staking_api::light_client::InstantiateMsg;
use staking_protocol::header::{ChainRules, Header, TipContext, U256};

use crate::error::LightClientError;
use crate::state::{self, Base, Settings, rules_of};

const DEFAULT_REORG_DEPTH: u32 = 288;
/// A retarget period: a reorg must find the times of the period it falls into.
const PERIOD: u32 = 2016;
const DEFAULT_KEEP_DEPTH: u32 = 70_000;
const DEFAULT_TIP_AGE: u64 = 21_600;

pub(crate) fn run(
    deps: DepsMut<'_>,
    info: &MessageInfo,
    msg: InstantiateMsg,
) -> Result<Response, LightClientError> {
    let roles = Roles::new(deps.api, &info.sender, msg.admin.as_deref(), msg.guardian.as_deref())?;
    roles.save(deps.storage);
    for reporter in &msg.reporters {
        deps.api.addr_validate(reporter)?;
    }
    state::save_reporters(deps.storage, &msg.reporters)?;
    let k = in_range("confirmation_depth", msg.confirmation_depth, 1, PERIOD - 1)?;
    let reorg = msg.max_reorg_depth.unwrap_or_else(|| DEFAULT_REORG_DEPTH.max(k));
    let max_reorg_depth = in_range("max_reorg_depth", reorg, k, PERIOD - 1)?;
    let keep_depth = keep_depth(msg.keep_depth.unwrap_or(DEFAULT_KEEP_DEPTH), max_reorg_depth)?;
    let rules = rules_of(&msg.network)?;
    let restricted = !msg.reporters.is_empty();
    Settings { network: msg.network, rules, max_reorg_depth, keep_depth, restricted }.save(deps.storage)?;
    let header = Header::from_slice(&msg.base.header.0).map_err(LightClientError::Base)?;
    let work = msg.base.work.map(|work| U256::from_be_bytes(work.to_bytes()));
    let context = base_context(&rules, header, msg.base.height, work)?;
    let max_tip_age = msg.max_tip_age_seconds.unwrap_or(DEFAULT_TIP_AGE);
    let tip = TipRecord { context, confirmation_depth: k, max_tip_age, deep_reorgs: 0 };
    state::save_tip(deps.storage, &tip);
    let mut chunk = Chunk::begin(context.height());
    chunk.push(Entry { hash: context.hash(), time: context.time(), bits: context.bits() });
    deps.storage.set(&Chunk::key(Chunk::number(context.height())), &chunk.pack());
    let (height, hash) = (context.height(), context.hash());
    Base { height, hash, time: context.time(), bits: context.bits().to_u32() }.save(deps.storage);
    Ok(Response::new())
}

fn base_context(
    rules: &ChainRules,
    header: Header<'_>,
    height: u32,
    work: Option<U256>,
) -> Result<TipContext, LightClientError> {
    if !rules.raw().no_retargeting && !rules.opens_period(height) {
        return Err(LightClientError::BaseNotAtRetarget(height));
    }
    TipContext::from_base(rules, header, height, work).map_err(LightClientError::Base)
}

/// Checks a number of headers to keep: a retarget period and the deepest reorg must fit.
pub(crate) fn keep_depth(found: u32, max_reorg_depth: u32) -> Result<u32, LightClientError> {
    in_range("keep_depth", found, PERIOD.saturating_add(max_reorg_depth), u32::MAX)
}

pub(crate) fn in_range(name: &'static str, found: u32, min: u32, max: u32) -> Result<u32, LightClientError> {
    if (min..=max).contains(&found) {
        Ok(found)
    } else {
        Err(LightClientError::Setting { name, found, min, max })
    }
}
