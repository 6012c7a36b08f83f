//! Finality providers. Power is not kept here: it is pushed to `btc-finality`, which keeps it.

use contract_host::pack::{CorruptState, Unpack, put_number, put_short_bytes};
use contract_host::store;
use cosmwasm_std::{Storage, from_json, to_json_vec};
use staking_api::Key;
use staking_api::staking::{Commission, Description};

use super::prefix;
use crate::error::StakingError;

/// When a provider was slashed: a height of the hub.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Slashed {
    pub(crate) height: u64,
}

impl Slashed {
    /// When a provider was slashed, if it was. A record of its own: most messages ask only this of a provider.
    pub(crate) fn load(storage: &dyn Storage, fp: &Key) -> Result<Option<Self>, CorruptState> {
        let Some(raw) = store::read(storage, &key(prefix::SLASHED, fp)) else { return Ok(None) };
        Ok(Some(Self { height: Unpack::new("slashing", &raw).number()? }))
    }

    pub(crate) fn save(self, storage: &mut dyn Storage, fp: &Key) {
        let mut raw = Vec::with_capacity(9);
        put_number(&mut raw, self.height);
        storage.set(&key(prefix::SLASHED, fp), &raw);
    }
}

/// What decides whether a provider may be delegated to, besides a slashing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Provider {
    pub(crate) retired: bool,
    pub(crate) owner: Vec<u8>,
    pub(crate) consumers: Vec<String>,
}

/// What a provider says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ProviderText {
    pub(crate) description: Description,
    pub(crate) commission: Commission,
    pub(crate) commission_changed: u64,
}

const RETIRED: u8 = 2;

fn key(prefix: u8, fp: &Key) -> Vec<u8> {
    [&[prefix][..], fp.as_bytes()].concat()
}

impl Provider {
    pub(crate) fn load(storage: &dyn Storage, fp: &Key) -> Result<Option<Self>, CorruptState> {
        store::read(storage, &key(prefix::PROVIDER, fp)).map(|raw| Self::unpack(&raw)).transpose()
    }

    pub(crate) fn require(storage: &dyn Storage, fp: &Key) -> Result<Self, StakingError> {
        Self::load(storage, fp)?.ok_or(StakingError::NoSuchProvider(*fp))
    }

    pub(crate) fn unpack(raw: &[u8]) -> Result<Self, CorruptState> {
        let mut fields = Unpack::new("provider", raw);
        let flags = fields.u8()?;
        let owner = fields.short_bytes()?.to_vec();
        let mut consumers = Vec::new();
        while !fields.is_empty() {
            let id = String::from_utf8(fields.short_bytes()?.to_vec());
            consumers.push(id.map_err(|_| CorruptState("provider"))?);
        }
        Ok(Self { retired: flags & RETIRED != 0, owner, consumers })
    }

    pub(crate) fn save(&self, storage: &mut dyn Storage, fp: &Key) -> Result<(), StakingError> {
        let mut raw = vec![if self.retired { RETIRED } else { 0 }];
        put_short_bytes(&mut raw, &self.owner)?;
        for id in &self.consumers {
            put_short_bytes(&mut raw, id.as_bytes())?;
        }
        storage.set(&key(prefix::PROVIDER, fp), &raw);
        Ok(())
    }

    /// Checks that the provider may be delegated to (traps C1, C15).
    pub(crate) fn require_open(&self, storage: &dyn Storage, fp: &Key) -> Result<(), StakingError> {
        if Slashed::load(storage, fp)?.is_some() {
            return Err(StakingError::ProviderSlashed(*fp));
        }
        if self.retired {
            return Err(StakingError::ProviderRetired(*fp));
        }
        Ok(())
    }
}

impl ProviderText {
    pub(crate) fn load(storage: &dyn Storage, fp: &Key) -> Result<Self, CorruptState> {
        let raw = storage.get(&key(prefix::PROVIDER_TEXT, fp)).ok_or(CorruptState("provider text"))?;
        let parsed: (Description, Commission, u64) =
            from_json(raw).map_err(|_| CorruptState("provider text"))?;
        let (description, commission, commission_changed) = parsed;
        Ok(Self { description, commission, commission_changed })
    }

    pub(crate) fn save(&self, storage: &mut dyn Storage, fp: &Key) -> Result<(), StakingError> {
        let raw = to_json_vec(&(&self.description, &self.commission, self.commission_changed))?;
        storage.set(&key(prefix::PROVIDER_TEXT, fp), &raw);
        Ok(())
    }
}

/// Providers in order of key after `after`.
pub(crate) fn page(
    storage: &dyn Storage,
    after: Option<&Key>,
    limit: usize,
) -> Result<Vec<(Key, Provider)>, CorruptState> {
    let after = after.map(|key| &key.as_bytes()[..]);
    let records = store::page(storage, &[prefix::PROVIDER], after, limit);
    let parsed = records.map(|(key, raw)| {
        let key: [u8; 32] = key.try_into().map_err(|_| CorruptState("provider key"))?;
        Ok((Key::from_bytes(key), Provider::unpack(&raw)?))
    });
    parsed.collect()
}

fn owner_key(owner: &[u8]) -> Vec<u8> {
    [&[prefix::OWNER][..], owner].concat()
}

pub(crate) fn owns_a_provider(storage: &dyn Storage, owner: &[u8]) -> bool {
    store::exists(storage, &owner_key(owner))
}

pub(crate) fn set_owner(storage: &mut dyn Storage, owner: &[u8], fp: &Key) {
    storage.set(&owner_key(owner), fp.as_bytes());
}
