//! Neighbours and the way of signing.

use contract_host::pack::{CorruptState, Unpack, put_short_bytes};
use contract_host::peers::LightClient;
use contract_host::store;
use cosmwasm_std::{Addr, Env, Storage};
use staking_api::staking::Signing;
use staking_protocol::context::{Domain, Purpose};
use staking_protocol::header::Network;

use super::prefix;

/// Settings of the contract.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Config {
    pub(crate) light_client: LightClient,
    pub(crate) finality: Option<Addr>,
    pub(crate) vault: Option<Addr>,
    pub(crate) signing: Signing,
    /// Network whose addresses BIP-322 proofs name.
    pub(crate) network: Network,
}

impl Config {
    pub(crate) fn save(&self, storage: &mut dyn Storage) {
        let network = Network::ALL.iter().position(|n| *n == self.network);
        let network = u8::try_from(network.unwrap_or(0)).unwrap_or(0);
        let mut raw = vec![u8::from(self.signing == Signing::Plain), network];
        let text = |address: &Option<Addr>| address.as_ref().map_or(String::new(), Addr::to_string);
        for part in [self.light_client.0.to_string(), text(&self.finality), text(&self.vault)] {
            put_short_bytes(&mut raw, part.as_bytes()).expect("addresses are shorter than 256 bytes");
        }
        storage.set(&[prefix::CONFIG], &raw);
    }

    pub(crate) fn load(storage: &dyn Storage) -> Result<Self, CorruptState> {
        let raw = store::read(storage, &[prefix::CONFIG]).ok_or(CorruptState("config"))?;
        let mut fields = Unpack::new("config", &raw);
        let signing = if fields.u8()? == 1 { Signing::Plain } else { Signing::ContextV0 };
        let network = *Network::ALL.get(usize::from(fields.u8()?)).ok_or(CorruptState("config"))?;
        let mut address = || -> Result<Option<Addr>, CorruptState> {
            let text =
                String::from_utf8(fields.short_bytes()?.to_vec()).map_err(|_| CorruptState("config"))?;
            Ok(Some(text).filter(|t| !t.is_empty()).map(Addr::unchecked))
        };
        let light_client = LightClient(address()?.ok_or(CorruptState("config"))?);
        Ok(Self { light_client, finality: address()?, vault: address()?, signing, network })
    }

    /// What stands in front of messages signed for this contract.
    pub(crate) fn domain(&self, purpose: Purpose, env: &Env) -> Domain {
        match self.signing {
            Signing::Plain => Domain::Plain,
            Signing::ContextV0 => Domain::v0(purpose, &env.block.chain_id, env.contract.address.as_str()),
        }
    }
}
