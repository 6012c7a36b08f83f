//! Neighbours; and, apart from them because votes need only these, the way of signing and the depth of timestamps.

use contract_host::pack::{CorruptState, Unpack};
use contract_host::peers::{LightClient, Neighbour, PeerError};
use contract_host::store;
use cosmwasm_std::{Deps, Env, Storage};
use staking_api::finality::Signing;
use staking_protocol::context::{Domain, Purpose};

use super::prefix;

pub(crate) const STAKING: Neighbour = Neighbour::new(&[prefix::STAKING], "btc-staking");
pub(crate) const LIGHT_CLIENT: Neighbour = Neighbour::new(&[prefix::LIGHT_CLIENT], "btc-light-client");
pub(crate) const VAULT: Neighbour = Neighbour::new(&[prefix::VAULT], "btc-vault");

/// The light client whose tip is Bitcoin's.
pub(crate) fn light_client(deps: Deps<'_>) -> Result<LightClient, PeerError> {
    LIGHT_CLIENT.require(deps).map(LightClient)
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
