//! Answers.

use contract_host::admin::{Roles, is_paused};
use contract_host::headers::{Chunk, Entry};
use contract_host::pack::CorruptState;
use contract_host::page::PageLimit;
use contract_host::store;
use cosmwasm_std::{Binary, Deps, Env, Storage, to_json_binary};
use staking_api::BlockHash;
use staking_api::light_client::{
    Block, Blocks, Config, Inclusion, InclusionProof, LocatedBlock, QueryMsg, Reorgs, Tip,
};
use staking_protocol::header::{Header, TipContext, ValidHeader};
use staking_protocol::inclusion::{MerkleBranch, confirm};

use crate::error::LightClientError;
use crate::execute::prune::lowest_height;
use crate::state::{self, Base, Settings, SideHeader, load_tip};

/// Blocks of a locator that are looked at.
const LOCATOR: usize = 100;

pub(crate) fn run(deps: Deps<'_>, env: &Env, msg: QueryMsg) -> Result<Binary, LightClientError> {
    let storage = deps.storage;
    Ok(match msg {
        QueryMsg::Config {} => to_json_binary(&config(storage)?)?,
        QueryMsg::Tip {} => to_json_binary(&tip(storage, env)?)?,
        QueryMsg::Base {} => to_json_binary(&base(storage)?)?,
        QueryMsg::Header { height } => to_json_binary(&main_block(storage, height)?)?,
        QueryMsg::HeaderByHash { hash, near } => to_json_binary(&locate(storage, hash, near)?)?,
        QueryMsg::Headers { start_after, limit, descending } => {
            to_json_binary(&headers(storage, start_after, PageLimit::new(limit), descending)?)?
        }
        QueryMsg::CommonAncestor { locator } => to_json_binary(&common_ancestor(storage, &locator)?)?,
        QueryMsg::VerifyInclusion { tx, proof } => {
            to_json_binary(&verify_inclusion(storage, env, &tx.0, &proof)?)?
        }
        QueryMsg::Reorgs { limit } => to_json_binary(&Reorgs {
            deepest: state::deepest_reorg(storage)?,
            deep: state::deep_reorgs(storage, PageLimit::new(limit).get())?,
        })?,
    })
}

/// A tip in brief.
pub(crate) fn block_of(context: &TipContext) -> Block {
    Block {
        height: context.height(),
        hash: context.hash().to_bytes().into(),
        time: context.time(),
        bits: context.bits().to_u32(),
    }
}

fn block(height: u32, entry: &Entry) -> Block {
    Block { height, hash: entry.hash.to_bytes().into(), time: entry.time, bits: entry.bits.to_u32() }
}

fn chunk(storage: &dyn Storage, number: u32) -> Result<Option<Chunk>, CorruptState> {
    store::read(storage, &Chunk::key(number)).map(|raw| Chunk::unpack(number, &raw)).transpose()
}

fn main_block(storage: &dyn Storage, height: u32) -> Result<Option<Block>, CorruptState> {
    Ok(chunk(storage, Chunk::number(height))?.and_then(|c| c.get(height).map(|entry| block(height, entry))))
}

fn config(storage: &dyn Storage) -> Result<Config, LightClientError> {
    let (settings, tip, roles) = (Settings::load(storage)?, load_tip(storage)?, Roles::load(storage)?);
    Ok(Config {
        network: settings.network,
        confirmation_depth: tip.confirmation_depth,
        max_reorg_depth: settings.max_reorg_depth,
        keep_depth: settings.keep_depth,
        max_tip_age_seconds: tip.max_tip_age,
        admin: roles.admin.into_string(),
        guardian: roles.guardian.map(cosmwasm_std::Addr::into_string),
        reporters: state::load_reporters(storage)?,
        paused: is_paused(storage),
        lowest_height: lowest_height(storage)?,
    })
}

fn tip(storage: &dyn Storage, env: &Env) -> Result<Tip, LightClientError> {
    let tip = load_tip(storage)?;
    Ok(Tip {
        block: block_of(&tip.context),
        work: tip.context.work().to_be_bytes().into(),
        fresh: tip.is_fresh(env.block.time.seconds()),
        confirmation_depth: tip.confirmation_depth,
        deep_reorgs: tip.deep_reorgs,
    })
}

fn base(storage: &dyn Storage) -> Result<Block, CorruptState> {
    let Base { height, hash, time, bits } = Base::load(storage)?;
    Ok(Block { height, hash: hash.to_bytes().into(), time, bits })
}

fn locate(
    storage: &dyn Storage,
    hash: BlockHash,
    near: Option<u32>,
) -> Result<Option<LocatedBlock>, LightClientError> {
    let internal = staking_protocol::header::BlockHash::from_bytes(hash.to_bytes());
    if let Some(side) = SideHeader::load(storage, internal)? {
        return Ok(Some(LocatedBlock { block: block_of(&side.context), main: false }));
    }
    let (tip, window) = (load_tip(storage)?.context.height(), Settings::load(storage)?.max_reorg_depth);
    let near = near.unwrap_or(tip).min(tip);
    let (lowest, highest) = (near.saturating_sub(window), near.saturating_add(window).min(tip));
    for number in (Chunk::number(lowest)..=Chunk::number(highest)).rev() {
        let Some(chunk) = chunk(storage, number)? else { continue };
        let found = (chunk.first()..).zip(chunk.entries()).find(|(_, entry)| entry.hash == internal);
        if let Some((height, entry)) = found {
            return Ok(Some(LocatedBlock { block: block(height, entry), main: true }));
        }
    }
    Ok(None)
}

fn headers(
    storage: &dyn Storage,
    start_after: Option<u32>,
    limit: PageLimit,
    descending: bool,
) -> Result<Blocks, LightClientError> {
    let (lowest, tip) = (lowest_height(storage)?, load_tip(storage)?.context.height());
    let count = u32::try_from(limit.get()).unwrap_or(0);
    let heights: Vec<u32> = if descending {
        let top = start_after.map_or(Some(tip), |after| after.checked_sub(1)).map(|top| top.min(tip));
        top.map_or(Vec::new(), |top| (lowest..=top).rev().take(limit.get()).collect())
    } else {
        let from = start_after.map_or(lowest, |after| after.saturating_add(1)).max(lowest);
        (from..=tip.min(from.saturating_add(count))).take(limit.get()).collect()
    };
    let mut blocks = Vec::with_capacity(heights.len());
    let mut cached: Option<(u32, Chunk)> = None;
    for height in heights {
        let number = Chunk::number(height);
        if cached.as_ref().is_none_or(|(n, _)| *n != number) {
            cached = chunk(storage, number)?.map(|c| (number, c));
        }
        blocks.extend(cached.as_ref().and_then(|(_, c)| c.get(height)).map(|entry| block(height, entry)));
    }
    Ok(Blocks { blocks })
}

fn common_ancestor(storage: &dyn Storage, locator: &[Block]) -> Result<Option<Block>, LightClientError> {
    let mut best: Option<Block> = None;
    for asked in locator.iter().take(LOCATOR) {
        let found = main_block(storage, asked.height)?.filter(|b| b.hash == asked.hash);
        best = best.into_iter().chain(found).max_by_key(|b| b.height);
    }
    Ok(best)
}

fn verify_inclusion(
    storage: &dyn Storage,
    env: &Env,
    tx: &[u8],
    proof: &InclusionProof,
) -> Result<Inclusion, LightClientError> {
    let tip = load_tip(storage)?;
    let now = env.block.time.seconds();
    if !tip.is_fresh(now) {
        return Err(LightClientError::StaleTip { tip_time: tip.context.time(), now });
    }
    let header = Header::from_slice(&proof.header.0)?;
    let (height, hash) = (proof.height, header.hash());
    if main_block(storage, height)?.is_none_or(|b| b.hash.to_bytes() != hash.to_bytes()) {
        return Err(LightClientError::NotOnMainChain { height, found: hash.to_bytes().into() });
    }
    let branch = MerkleBranch::new(proof.index, &proof.siblings.0)?;
    let confirmed = confirm(tx, &branch, &ValidHeader::from_storage(header, height))?;
    let depth = confirmed.check_depth(tip.context.height(), 0)?;
    Ok(Inclusion {
        txid: confirmed.txid().0.into(),
        block: hash.to_bytes().into(),
        height,
        depth,
        settled: depth >= tip.confirmation_depth,
    })
}
