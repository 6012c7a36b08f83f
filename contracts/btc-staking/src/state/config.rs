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
    pub(crate) signing: Signing,
    /// Network whose addresses BIP-322 proofs name.
    pub(crate) network: Network,
}

impl Config {
    pub(crate) fn save(&self, storage: &mut dyn Storage) {
        let network = Network::ALL.iter().position(|n| *n == self.network);
        let network = u8::try_from(network.unwrap_or(0)).unwrap_or(0);
        let mut raw = vec![u8::from(self.signing == Signing::Plain), network];
        raw.extend_from_slice(self.light_client.0.as_bytes());
        storage.set(&[prefix::CONFIG], &raw);
    }

    pub(crate) fn load(storage: &dyn Storage) -> Result<Self, CorruptState> {
        let raw = store::read(storage, &[prefix::CONFIG]).ok_or(CorruptState("config"))?;
        let mut fields = Unpack::new("config", &raw);
        let signing = if fields.u8()? == 1 { Signing::Plain } else { Signing::ContextV0 };
        let network = *Network::ALL.get(usize::from(fields.u8()?)).ok_or(CorruptState("config"))?;
        let light_client = LightClient(address(fields.rest())?.ok_or(CorruptState("config"))?);
        Ok(Self { light_client, signing, network })
    }

    /// What stands in front of messages signed for this contract.
    pub(crate) fn domain(&self, purpose: Purpose, env: &Env) -> Domain {
        match self.signing {
            Signing::Plain => Domain::Plain,
            Signing::ContextV0 => Domain::v0(purpose, &env.block.chain_id, env.contract.address.as_str()),
        }
    }
}

/// Who is told of power; a record of its own, because most messages tell nobody.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Peers {
    pub(crate) finality: Option<Addr>,
    pub(crate) vault: Option<Addr>,
}

impl Peers {
    pub(crate) fn save(&self, storage: &mut dyn Storage) {
        let mut raw = Vec::with_capacity(130);
        for peer in [&self.finality, &self.vault] {
            let text = peer.as_ref().map_or("", Addr::as_str);
            put_short_bytes(&mut raw, text.as_bytes()).expect("addresses are shorter than 256 bytes");
        }
        storage.set(&[prefix::PEERS], &raw);
    }

    pub(crate) fn load(storage: &dyn Storage) -> Result<Self, CorruptState> {
        let Some(raw) = store::read(storage, &[prefix::PEERS]) else { return Ok(Self::default()) };
        let mut fields = Unpack::new("peers", &raw);
        Ok(Self { finality: address(fields.short_bytes()?)?, vault: address(fields.short_bytes()?)? })
    }
}

/// An address, or none where there is no text.
fn address(text: &[u8]) -> Result<Option<Addr>, CorruptState> {
    let text = String::from_utf8(text.to_vec()).map_err(|_| CorruptState("config"))?;
    Ok(Some(text).filter(|text| !text.is_empty()).map(Addr::unchecked))
}
