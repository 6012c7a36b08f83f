//! Neighbours; and, apart from them because votes need only these, the way of signing and the depth of timestamps.

use contract_host::pack::{CorruptState, Unpack, put_short_bytes};
use contract_host::peers::LightClient;
use contract_host::store;
use cosmwasm_std::{Addr, Env, Storage};
use staking_api::finality::Signing;
use staking_protocol::context::{Domain, Purpose};

use super::prefix;

/// Neighbours of the contract.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Config {
    pub(crate) staking: Addr,
    pub(crate) light_client: LightClient,
    pub(crate) vault: Option<Addr>,
}

impl Config {
    pub(crate) fn save(&self, storage: &mut dyn Storage) {
        let mut raw = Vec::with_capacity(192);
        let vault = self.vault.as_ref().map_or("", |vault| vault.as_str());
        for part in [self.staking.as_str(), self.light_client.0.as_str(), vault] {
            put_short_bytes(&mut raw, part.as_bytes()).expect("addresses are shorter than 256 bytes");
        }
        storage.set(&[prefix::CONFIG], &raw);
    }

    pub(crate) fn load(storage: &dyn Storage) -> Result<Self, CorruptState> {
        let raw = store::read(storage, &[prefix::CONFIG]).ok_or(CorruptState("config"))?;
        let mut fields = Unpack::new("config", &raw);
        let mut address = || -> Result<Addr, CorruptState> {
            let text = String::from_utf8(fields.short_bytes()?.to_vec());
            Ok(Addr::unchecked(text.map_err(|_| CorruptState("config"))?))
        };
        let (staking, light_client) = (address()?, LightClient(address()?));
        let vault = Some(address()?).filter(|vault| !vault.as_str().is_empty());
        Ok(Self { staking, light_client, vault })
    }
}

/// How messages are signed, and how deep commitments must be timestamped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Rules {
    pub(crate) signing: Signing,
    pub(crate) timestamp_depth: u32,
}

impl Rules {
    pub(crate) fn save(&self, storage: &mut dyn Storage) {
        let mut raw = Vec::with_capacity(5);
        self.pack(&mut raw);
        storage.set(&[prefix::RULES], &raw);
    }

    pub(crate) fn pack(&self, raw: &mut Vec<u8>) {
        raw.push(u8::from(self.signing == Signing::Plain));
        raw.extend_from_slice(&self.timestamp_depth.to_be_bytes());
    }

    pub(crate) fn load(storage: &dyn Storage) -> Result<Self, CorruptState> {
        let raw = store::read(storage, &[prefix::RULES]).ok_or(CorruptState("rules"))?;
        Self::unpack(&mut Unpack::new("rules", &raw))
    }

    pub(crate) fn unpack(fields: &mut Unpack<'_>) -> Result<Self, CorruptState> {
        let signing = if fields.u8()? == 1 { Signing::Plain } else { Signing::ContextV0 };
        Ok(Self { signing, timestamp_depth: fields.u32()? })
    }

    /// What stands in front of messages that a provider signs for a consumer: its chain id and the address of
    /// this contract.
    pub(crate) fn domain(&self, purpose: Purpose, consumer: &str, env: &Env) -> Domain {
        match self.signing {
            Signing::Plain => Domain::Plain,
            Signing::ContextV0 => Domain::v0(purpose, consumer, env.contract.address.as_str()),
        }
    }
}
