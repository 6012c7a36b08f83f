//! The embedded world: libbitcoinkernel and two cw-multi-test chains in this process, relayed by a thread.

use super::{Backend, ChainEndpoint, Endpoints, FUNDS, Genesis, MESH_VERSION};
use crate::args::Engine;
use crate::contracts;
use anyhow::{Context, Result};
use cosmwasm_std::IbcOrder;
use mesh_harness::bitcoin::{KernelNode, Node, Options};
use mesh_harness::chain::{Chain, ChainConfig, ContractSet, DevAccount, port_of};
use mesh_harness::ibc::{Connection, Relay, RelayHandle};
use std::path::Path;
use std::time::Duration;

/// How often the relay thread looks for packets.
const RELAY_PAUSE: Duration = Duration::from_millis(20);
/// Pause between two blocks that no transaction asked for.
const BLOCK_TIME: Duration = Duration::from_millis(500);

/// The running world. Fields are dropped in this order: relay, chains, node.
pub(crate) struct Embedded {
    relay: RelayHandle,
    hub: Chain,
    consumer: Chain,
    connection: Option<Connection>,
    endpoints: Endpoints,
    _node: Node,
}

impl Embedded {
    pub(crate) fn start(seed: u64, engine: Engine, dir: &Path, genesis: &Genesis) -> Result<Self> {
        let contracts = contracts::on(engine, contracts::native())?;
        let node = KernelNode::start(&dir.join("bitcoin"), Options::default())
            .context("the embedded Bitcoin node did not start")?;
        let hub = chain("mesh-hub-1", "mesh", "umesh", &genesis.hub, &contracts)?;
        let consumer = chain("mesh-cons-1", "cons", "ucons", &genesis.consumer, &contracts)?;
        let endpoints = Endpoints {
            bitcoin_rpc: node.handle().rpc_url.clone(),
            bitcoin_cookie: node.handle().cookie_file.clone(),
            bitcoin_node: node.handle().kind.clone(),
            hub: endpoint(&hub)?,
            consumer: endpoint(&consumer)?,
        };
        let relay = Relay::new(seed).spawn(RELAY_PAUSE, |_| {}).context("no thread for the relay")?;
        Ok(Self { relay, hub, consumer, connection: None, endpoints, _node: node })
    }
}

fn chain(id: &str, prefix: &str, denom: &str, funded: &[[u8; 32]], set: &ContractSet) -> Result<Chain> {
    let mut config = ChainConfig::new(id, prefix, denom)
        .contracts(set.clone())
        .block_time(BLOCK_TIME)
        .unbonding(Duration::from_secs(60));
    for secret in funded {
        config = config.fund(&DevAccount::from_secret(*secret)?.address(prefix)?, FUNDS);
    }
    Chain::start(config).with_context(|| format!("chain {id} did not start"))
}

fn endpoint(chain: &Chain) -> Result<ChainEndpoint> {
    Ok(ChainEndpoint {
        chain_id: chain.chain_id().to_owned(),
        rpc: chain.rpc_url().context("the chain has no RPC")?.to_owned(),
        prefix: chain.prefix().to_owned(),
        denom: chain.denom().to_owned(),
    })
}

impl Backend for Embedded {
    fn endpoints(&self) -> &Endpoints {
        &self.endpoints
    }

    fn code_bytes(&self, name: &str) -> Result<Vec<u8>> {
        Ok(self.hub.code_bytes(name)?)
    }

    fn connect(&mut self) -> Result<String> {
        let connection = self.relay.relay().connect(&self.consumer, &self.hub)?;
        let on_hub = connection.on_b.clone();
        self.connection = Some(connection);
        Ok(on_hub)
    }

    fn open_mesh_channel(&mut self, converter: &str, external_staking: &str) -> Result<()> {
        let connection = self.connection.clone().context("the chains are not connected")?;
        self.relay.relay().open_channel(
            &connection,
            &port_of(converter),
            &port_of(external_staking),
            IbcOrder::Unordered,
            MESH_VERSION,
        )?;
        Ok(())
    }
}
