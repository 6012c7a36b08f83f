//! The stage: clients, accounts and helpers that every step of the story uses. Nothing here decides anything.

use crate::args::Spoil;
use crate::backend::Endpoints;
use crate::deploy::Deployed;
use crate::keys;
use crate::narrate::Narrator;
use anyhow::{Context, Result, bail};
use mesh_bridge::headers::Headers;
use mesh_bridge::hub::Hub;
use staking_api::staking::Status;
use staking_api::{Key, Txid};
use staking_clients::bitcoin::{BitcoinSource, Bitcoind};
use staking_clients::cosmos::{ChainClient, ChainKey, GasPrice, Rpc, ValidatorInfo, Writer};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// Gas limit of a message. The embedded chains do not meter gas, wasmd does.
const GAS: u64 = 20_000_000;
/// How long anything that other parties do may take.
const PATIENCE: Duration = Duration::from_secs(90);
/// How often we look whether it is done.
const LOOK: Duration = Duration::from_millis(50);

/// The error of a story that was interrupted.
#[derive(Debug, thiserror::Error)]
#[error("interrupted; nothing was left behind")]
pub(crate) struct Interrupted;

/// Clients of the three chains.
pub(crate) struct Clients {
    pub(crate) endpoints: Endpoints,
    pub(crate) bitcoin: Bitcoind,
    pub(crate) hub: Rpc,
    pub(crate) consumer: Rpc,
}

/// What all steps share.
pub(crate) struct Stage<'w> {
    pub(crate) clients: &'w Clients,
    pub(crate) seed: u64,
    pub(crate) spoil: Option<Spoil>,
    pub(crate) stop: &'w AtomicBool,
}

/// A writer for a name of the cast on a chain.
pub(crate) fn writer<'c>(
    chain: &'c Rpc,
    prefix: &str,
    denom: &str,
    seed: u64,
    name: &str,
) -> Result<Writer<'c>> {
    let key = ChainKey::from_bytes(&keys::secret(seed, name), prefix)?;
    let price = GasPrice { denom: denom.to_owned(), milli: 0 };
    Ok(Writer::new(chain, key, price, GAS)?)
}

impl<'w> Stage<'w> {
    /// A writer on the hub.
    pub(crate) fn hub_writer(&self, name: &str) -> Result<Writer<'w>> {
        let at = &self.clients.endpoints.hub;
        writer(&self.clients.hub, &at.prefix, &at.denom, self.seed, name)
    }

    /// A writer on the consumer.
    pub(crate) fn consumer_writer(&self, name: &str) -> Result<Writer<'w>> {
        let at = &self.clients.endpoints.consumer;
        writer(&self.clients.consumer, &at.prefix, &at.denom, self.seed, name)
    }

    /// Ends the story if somebody pressed Ctrl-C.
    pub(crate) fn check(&self) -> Result<()> {
        if self.stop.load(Ordering::Relaxed) {
            return Err(Interrupted.into());
        }
        Ok(())
    }

    /// Looks until `ready` gives something.
    pub(crate) fn wait<T>(&self, what: &str, mut ready: impl FnMut() -> Result<Option<T>>) -> Result<T> {
        let begun = Instant::now();
        loop {
            self.check()?;
            if let Some(found) = ready()? {
                return Ok(found);
            }
            if begun.elapsed() > PATIENCE {
                bail!("waited {} s for {what}", PATIENCE.as_secs());
            }
            std::thread::sleep(LOOK);
        }
    }

    /// Mines blocks that pay nobody of the story.
    pub(crate) fn mine(&self, blocks: u32) -> Result<()> {
        self.check()?;
        self.mine_to(blocks, &nobody()?)
    }

    /// Mines blocks to an address.
    pub(crate) fn mine_to(&self, blocks: u32, address: &str) -> Result<()> {
        self.clients
            .bitcoin
            .call("generatetoaddress", serde_json::json!([blocks, address]))
            .context("mining")?;
        Ok(())
    }

    /// Relays headers to the hub until the light client is at our tip.
    pub(crate) fn relay_headers(&self, relayer: &Writer<'_>, light_client: &str) -> Result<()> {
        self.relay_headers_over(relayer, light_client, crate::deploy::K)
    }

    /// The same over a fork of so many blocks.
    pub(crate) fn relay_headers_over(
        &self,
        relayer: &Writer<'_>,
        light_client: &str,
        max_fork: u32,
    ) -> Result<()> {
        let relay = Headers {
            bitcoin: &self.clients.bitcoin,
            hub: relayer,
            light_client,
            limits: bridge_relay::headers::HeaderLimits { batch: 100, max_fork },
        };
        relay.catch_up()?;
        Ok(())
    }

    /// The consumer's validators.
    pub(crate) fn validator(&self) -> Result<ValidatorInfo> {
        let all = self.clients.consumer.validators()?;
        all.into_iter().next().context("the consumer has no validator")
    }

    /// State of a delegation, as the hub says.
    pub(crate) fn status(&self, hub: &Hub<'_>, txid: Txid) -> Result<Status> {
        let delegation = hub.delegation(txid)?.with_context(|| format!("the hub does not know {txid}"))?;
        Ok(delegation.status)
    }

    /// Height of the node's best block.
    pub(crate) fn tip(&self) -> Result<u32> {
        Ok(self.clients.bitcoin.chain_info()?.blocks)
    }
}

/// The address of a taproot key that nobody has.
fn nobody() -> Result<String> {
    let key = bitcoin::key::UntweakedPublicKey::from_slice(&NUMS).context("BIP-341's point")?;
    let key = bitcoin::key::TweakedPublicKey::dangerous_assume_tweaked(key);
    Ok(bitcoin::Address::p2tr_tweaked(key, bitcoin::KnownHrp::Regtest).to_string())
}

/// Makes a call that anybody may make at any time; that there is nothing to do is no error.
pub(crate) fn nudge<M: serde::Serialize>(writer: &Writer<'_>, contract: &str, msg: &M) -> Result<()> {
    match writer.execute(contract, msg, &[]) {
        Ok(_) => Ok(()),
        Err(e) if !e.is_transient() => Ok(()),
        Err(e) => Err(e.into()),
    }
}

/// BIP-341's example of a point whose logarithm nobody knows.
const NUMS: [u8; 32] = [
    0x50, 0x92, 0x9b, 0x74, 0xc1, 0xa0, 0x49, 0x54, 0xb7, 0x8b, 0x4b, 0x60, 0x35, 0xe9, 0x7a, 0x5e, 0x07,
    0x8a, 0x5a, 0x0f, 0x28, 0xec, 0x96, 0xd5, 0x47, 0xbf, 0xee, 0x9a, 0xce, 0x80, 0x3a, 0xc0,
];

/// A finality provider of the story.
pub(crate) struct Fp {
    pub(crate) name: &'static str,
    pub(crate) pk: Key,
}

/// A holder's stake in the story.
pub(crate) struct Staked {
    pub(crate) owner: &'static str,
    pub(crate) txid: Txid,
    pub(crate) vout: u32,
    pub(crate) amount: u64,
    pub(crate) states: Vec<String>,
}

impl Staked {
    /// Writes down the state the hub gives, when it is a new one.
    pub(crate) fn note(&mut self, status: Status) {
        let name = format!("{status:?}").to_lowercase();
        if self.states.last() != Some(&name) {
            self.states.push(name);
        }
    }
}

/// Everything deployed and everybody on the stage.
pub(crate) struct Cast<'w> {
    pub(crate) deployed: Deployed,
    pub(crate) owner: Writer<'w>,
    pub(crate) consumer_owner: Writer<'w>,
    pub(crate) relayer: Writer<'w>,
    pub(crate) narrator: Narrator,
}

impl Cast<'_> {
    /// The hub's Bitcoin contracts as the relayer sees them.
    pub(crate) fn hub(&self) -> Hub<'_> {
        Hub { writer: &self.relayer, contracts: &self.deployed.bitcoin }
    }
}
