//! The way of signing, and neighbours.

use contract_host::pack::{CorruptState, Unpack};
use contract_host::peers::{LightClient, Neighbour, PeerError};
use contract_host::store;
use cosmwasm_std::{Deps, Env, Storage};
use staking_api::staking::Signing;
use staking_protocol::context::{Domain, Purpose};
use staking_protocol::header::Network;

use super::prefix;

pub(crate) const LIGHT_CLIENT: Neighbour = Neighbour::new(&[prefix::LIGHT_CLIENT], "btc-light-client");
pub(crate) const FINALITY: Neighbour = Neighbour::new(&[prefix::FINALITY], "btc-finality");
pub(crate) const VAULT: Neighbour = Neighbour::new(&[prefix::VAULT], "btc-vault");

/// The light client against which inclusion is proven.
pub(crate) fn light_client(deps: Deps<'_>) -> Result<LightClient, PeerError> {
    LIGHT_CLIENT.require(deps).map(LightClient)
}

/// How messages are signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Config {
    pub(crate) signing: Signing,
    /// Network whose addresses BIP-322 proofs name.
    pub(crate) network: Network,
}

impl Config {
    pub(crate) fn save(self, storage: &mut dyn Storage) {
        let network = Network::ALL.iter().position(|n| *n == self.network);
        let network = u8::try_from(network.unwrap_or(0)).unwrap_or(0);
        storage.set(&[prefix::CONFIG], &[u8::from(self.signing == Signing::Plain), network]);
    }

    pub(crate) fn load(storage: &dyn Storage) -> Result<Self, CorruptState> {
        let raw = store::read(storage, &[prefix::CONFIG]).ok_or(CorruptState("config"))?;
        let mut fields = Unpack::new("config", &raw);
        let signing = if fields.u8()? == 1 { Signing::Plain } else { Signing::ContextV0 };
        let network = *Network::ALL.get(usize::from(fields.u8()?)).ok_or(CorruptState("config"))?;
        fields.end()?;
        Ok(Self { signing, network })
    }

    /// What stands in front of messages signed for this contract.
    pub(crate) fn domain(&self, purpose: Purpose, env: &Env) -> Domain {
        match self.signing {
            Signing::Plain => Domain::Plain,
            Signing::ContextV0 => Domain::v0(purpose, &env.block.chain_id, env.contract.address.as_str()),
        }
    }
}
