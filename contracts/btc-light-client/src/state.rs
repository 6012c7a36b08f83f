//! Storage of the light client besides tip and chunks (which `contract_host::headers` lays out).
//!
//! | key | value |
//! |---|---|
//! | 01 | tip record |
//! | 02 ‖ chunk u32 | chunk of headers |
//! | 03 | settings |
//! | 04 ‖ hash | side header: parent hash, context |
//! | 05 ‖ number u32 | reorg at least k deep |
//! | 06 | deepest reorg |
//! | 07 | reporters, JSON |
//! | 08 | base header in brief |
//! | 09 ‖ height u32 ‖ hash | index of side headers by height |
//! | 0a | number of side headers |
//! | 0b | highest tip so far, once a reorg has lowered the tip |

use contract_host::headers::{TIP_KEY, TipRecord};
use contract_host::pack::{CorruptState, Unpack};
use contract_host::store;
use cosmwasm_std::{Storage, from_json, to_json_vec};
use staking_api::light_client::{CustomRules, Network as ApiNetwork, Reorg};
use staking_protocol::header::{BlockHash, ChainRules, Network, RawRules, RulesError, TipContext, U256};

const SETTINGS: &[u8] = &[0x03];
const SIDE: u8 = 0x04;
const DEEP_REORG: u8 = 0x05;
const DEEPEST: &[u8] = &[0x06];
const REPORTERS: &[u8] = &[0x07];
const BASE: &[u8] = &[0x08];
const SIDE_BY_HEIGHT: u8 = 0x09;
const SIDE_COUNT: &[u8] = &[0x0a];
const HIGHEST: &[u8] = &[0x0b];

/// What does not change with the chain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Settings {
    /// Network as it was named.
    pub(crate) network: ApiNetwork,
    /// Its rules.
    pub(crate) rules: ChainRules,
    /// Deepest fork followed.
    pub(crate) max_reorg_depth: u32,
    /// Headers kept below the tip.
    pub(crate) keep_depth: u32,
    /// Whether only reporters may submit.
    pub(crate) restricted: bool,
}

const BUILT_IN: [(u8, ApiNetwork, Network); 5] = [
    (0, ApiNetwork::Mainnet, Network::Mainnet),
    (1, ApiNetwork::Testnet3, Network::Testnet3),
    (2, ApiNetwork::Testnet4, Network::Testnet4),
    (3, ApiNetwork::Signet, Network::Signet),
    (4, ApiNetwork::Regtest, Network::Regtest),
];
const CUSTOM: u8 = 5;

/// Finds the rules of a network.
pub(crate) fn rules_of(network: &ApiNetwork) -> Result<ChainRules, RulesError> {
    if let ApiNetwork::Custom(custom) = network {
        return ChainRules::new(RawRules {
            pow_limit: U256::from_be_bytes(custom.pow_limit.to_bytes()),
            pow_limit_bits: custom.pow_limit_bits,
            target_timespan: custom.target_timespan,
            target_spacing: custom.target_spacing,
            retarget_factor: custom.retarget_factor,
            min_difficulty_after: custom.min_difficulty_after,
            no_retargeting: custom.no_retargeting,
            bip94: custom.bip94,
            bip34_height: custom.bip34_height,
            bip66_height: custom.bip66_height,
            bip65_height: custom.bip65_height,
        });
    }
    let known = BUILT_IN.iter().find(|(_, name, _)| name == network);
    Ok(known.map_or(ChainRules::MAINNET, |(_, _, network)| network.rules()))
}

impl Settings {
    pub(crate) fn save(&self, storage: &mut dyn Storage) -> Result<(), CorruptState> {
        let tag = BUILT_IN.iter().find(|(_, name, _)| *name == self.network).map_or(CUSTOM, |(tag, ..)| *tag);
        let mut raw = vec![tag, u8::from(self.restricted)];
        raw.extend_from_slice(&self.max_reorg_depth.to_be_bytes());
        raw.extend_from_slice(&self.keep_depth.to_be_bytes());
        if let ApiNetwork::Custom(custom) = &self.network {
            raw.extend(to_json_vec(custom).map_err(|_| CorruptState("settings"))?);
        }
        storage.set(SETTINGS, &raw);
        Ok(())
    }

    pub(crate) fn load(storage: &dyn Storage) -> Result<Self, CorruptState> {
        let raw = store::read(storage, SETTINGS).ok_or(CorruptState("settings"))?;
        let mut fields = Unpack::new("settings", &raw);
        let (tag, restricted) = (fields.u8()?, fields.u8()? == 1);
        let (max_reorg_depth, keep_depth) = (fields.u32()?, fields.u32()?);
        let network = match BUILT_IN.into_iter().find(|(t, ..)| *t == tag) {
            Some((_, network, _)) => network,
            None => ApiNetwork::Custom(
                from_json::<CustomRules>(fields.rest()).map_err(|_| CorruptState("settings"))?,
            ),
        };
        let rules = rules_of(&network).map_err(|_| CorruptState("settings"))?;
        Ok(Self { network, rules, max_reorg_depth, keep_depth, restricted })
    }
}

pub(crate) fn load_tip(storage: &dyn Storage) -> Result<TipRecord, CorruptState> {
    TipRecord::unpack(&store::read(storage, TIP_KEY).ok_or(CorruptState("tip"))?)
}

pub(crate) fn save_tip(storage: &mut dyn Storage, tip: &TipRecord) {
    storage.set(TIP_KEY, &tip.pack());
}

pub(crate) fn load_reporters(storage: &dyn Storage) -> Result<Vec<String>, CorruptState> {
    let raw = storage.get(REPORTERS);
    raw.map_or(Ok(Vec::new()), |raw| from_json(raw).map_err(|_| CorruptState("reporters")))
}

pub(crate) fn save_reporters(storage: &mut dyn Storage, reporters: &[String]) -> Result<(), CorruptState> {
    let raw = to_json_vec(reporters).map_err(|_| CorruptState("reporters"))?;
    storage.set(REPORTERS, &raw);
    Ok(())
}

/// The base header in brief.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Base {
    pub(crate) height: u32,
    pub(crate) hash: BlockHash,
    pub(crate) time: u32,
    pub(crate) bits: u32,
}

impl Base {
    pub(crate) fn save(&self, storage: &mut dyn Storage) {
        let mut raw = self.hash.to_bytes().to_vec();
        [self.height, self.time, self.bits].iter().for_each(|n| raw.extend_from_slice(&n.to_be_bytes()));
        storage.set(BASE, &raw);
    }

    pub(crate) fn load(storage: &dyn Storage) -> Result<Self, CorruptState> {
        let raw = storage.get(BASE).ok_or(CorruptState("base"))?;
        let mut fields = Unpack::new("base", &raw);
        let hash = BlockHash::from_bytes(fields.array()?);
        Ok(Self { hash, height: fields.u32()?, time: fields.u32()?, bits: fields.u32()? })
    }
}

/// A validated header that is not on the main chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SideHeader {
    pub(crate) parent: BlockHash,
    pub(crate) context: TipContext,
}

fn side_key(hash: BlockHash) -> Vec<u8> {
    [&[SIDE][..], &hash.to_bytes()].concat()
}

fn side_index_key(height: u32, hash: BlockHash) -> Vec<u8> {
    [&[SIDE_BY_HEIGHT][..], &height.to_be_bytes(), &hash.to_bytes()].concat()
}

impl SideHeader {
    pub(crate) fn load(storage: &dyn Storage, hash: BlockHash) -> Result<Option<Self>, CorruptState> {
        let Some(raw) = store::read(storage, &side_key(hash)) else { return Ok(None) };
        let mut fields = Unpack::new("side header", &raw);
        let parent = BlockHash::from_bytes(fields.array()?);
        let context = TipContext::from_bytes(fields.rest()).ok_or(CorruptState("side header"))?;
        Ok(Some(Self { parent, context }))
    }

    pub(crate) fn save(&self, storage: &mut dyn Storage) -> Result<(), CorruptState> {
        let hash = self.context.hash();
        let raw = [&self.parent.to_bytes()[..], &self.context.to_bytes()].concat();
        storage.set(&side_key(hash), &raw);
        storage.set(&side_index_key(self.context.height(), hash), &[1]);
        let count = side_count(storage)?.saturating_add(1);
        set_side_count(storage, count);
        Ok(())
    }

    pub(crate) fn remove(
        storage: &mut dyn Storage,
        height: u32,
        hash: BlockHash,
    ) -> Result<(), CorruptState> {
        storage.remove(&side_key(hash));
        storage.remove(&side_index_key(height, hash));
        let count = side_count(storage)?.saturating_sub(1);
        set_side_count(storage, count);
        Ok(())
    }

    /// Side headers below a height, lowest first.
    pub(crate) fn below(
        storage: &dyn Storage,
        height: u32,
        limit: usize,
    ) -> Result<Vec<(u32, BlockHash)>, CorruptState> {
        let records = store::page(storage, &[SIDE_BY_HEIGHT], None, limit);
        let parsed = records.map(|(key, _)| {
            let mut fields = Unpack::new("side index", &key);
            Ok((fields.u32()?, BlockHash::from_bytes(fields.array()?)))
        });
        let all: Result<Vec<_>, CorruptState> = parsed.collect();
        Ok(all?.into_iter().take_while(|(at, _)| *at < height).collect())
    }
}

pub(crate) fn side_count(storage: &dyn Storage) -> Result<u32, CorruptState> {
    let Some(raw) = storage.get(SIDE_COUNT) else { return Ok(0) };
    Unpack::new("side count", &raw).u32()
}

fn set_side_count(storage: &mut dyn Storage, count: u32) {
    storage.set(SIDE_COUNT, &count.to_be_bytes());
}

/// Height of the highest tip there was, if the tip was ever lowered.
pub(crate) fn highest_tip(storage: &dyn Storage) -> Result<Option<u32>, CorruptState> {
    storage.get(HIGHEST).map(|raw| Unpack::new("highest tip", &raw).u32()).transpose()
}

pub(crate) fn set_highest_tip(storage: &mut dyn Storage, height: u32) {
    storage.set(HIGHEST, &height.to_be_bytes());
}

fn pack_reorg(reorg: &Reorg) -> Vec<u8> {
    let mut raw = Vec::with_capacity(24);
    let numbers = [reorg.number, reorg.fork_height, reorg.old_height, reorg.new_height];
    numbers.iter().for_each(|n| raw.extend_from_slice(&n.to_be_bytes()));
    raw.extend_from_slice(&reorg.at.to_be_bytes());
    raw
}

fn unpack_reorg(raw: &[u8]) -> Result<Reorg, CorruptState> {
    let mut fields = Unpack::new("reorg", raw);
    let (number, fork_height) = (fields.u32()?, fields.u32()?);
    let (old_height, new_height) = (fields.u32()?, fields.u32()?);
    Ok(Reorg { number, fork_height, old_height, new_height, at: fields.u64()? })
}

/// Records a reorg: among the deep ones if it has a number, and as the deepest if it is.
pub(crate) fn save_reorg(storage: &mut dyn Storage, reorg: &Reorg) -> Result<(), CorruptState> {
    if reorg.number > 0 {
        storage.set(&contract_host::headers::deep_reorg_key(reorg.number), &pack_reorg(reorg));
    }
    let depth = |r: &Reorg| r.old_height.saturating_sub(r.fork_height);
    if deepest_reorg(storage)?.is_none_or(|old| depth(&old) < depth(reorg)) {
        storage.set(DEEPEST, &pack_reorg(reorg));
    }
    Ok(())
}

pub(crate) fn deepest_reorg(storage: &dyn Storage) -> Result<Option<Reorg>, CorruptState> {
    storage.get(DEEPEST).map(|raw| unpack_reorg(&raw)).transpose()
}

pub(crate) fn deep_reorgs(storage: &dyn Storage, limit: usize) -> Result<Vec<Reorg>, CorruptState> {
    store::page_down(storage, &[DEEP_REORG], None, limit).map(|(_, raw)| unpack_reorg(&raw)).collect()
}
