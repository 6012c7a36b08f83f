//! The real world: bitcoind, two wasmd chains and hermes as child processes.

use super::{Backend, ChainEndpoint, Endpoints, FUNDS, Genesis, MESH_VERSION};
use crate::args::Engine;
use crate::contracts;
use anyhow::{Context, Result};
use mesh_harness::chain::{ContractSet, DevAccount, port_of};
use mesh_harness::real::bitcoind::Bitcoind;
use mesh_harness::real::hermes::{Connection, Hermes, Order};
use mesh_harness::real::process::Process;
use mesh_harness::real::programs;
use mesh_harness::real::wasmd::{ChainSpec, Wasmd};
use std::path::Path;

/// wasmd's address prefix cannot be chosen.
const PREFIX: &str = "wasm";

/// The running processes. Fields are dropped in this order: relayer, chains, node.
pub(crate) struct Real {
    relaying: Option<Process>,
    contracts: ContractSet,
    hermes: Hermes,
    connection: Option<Connection>,
    hub: Wasmd,
    consumer: Wasmd,
    endpoints: Endpoints,
    _bitcoind: Bitcoind,
}

impl Real {
    pub(crate) fn start(dir: &Path, genesis: &Genesis) -> Result<Self> {
        // Whatever is missing is said before anything starts.
        programs::all_present()?;
        let contracts = contracts::on(Engine::Wasm, contracts::native())?;
        let bitcoind = Bitcoind::start(&dir.join("bitcoin")).context("bitcoind did not start")?;
        let specs =
            [spec("mesh-hub-1", "umesh", &genesis.hub)?, spec("mesh-cons-1", "ucons", &genesis.consumer)?];
        let [hub, consumer] = Wasmd::start_all(dir, specs).context("the chains did not start")?;
        let hermes = Hermes::new(&dir.join("hermes"), &consumer, &hub).context("no relayer")?;
        let endpoints = Endpoints {
            bitcoin_rpc: bitcoind.url(),
            bitcoin_cookie: bitcoind.cookie_file(),
            bitcoin_node: "bitcoind".to_owned(),
            hub: endpoint(&hub),
            consumer: endpoint(&consumer),
        };
        Ok(Self {
            relaying: None,
            contracts,
            hermes,
            connection: None,
            hub,
            consumer,
            endpoints,
            _bitcoind: bitcoind,
        })
    }
}

fn spec(id: &str, denom: &str, funded: &[[u8; 32]]) -> Result<ChainSpec> {
    let mut spec = ChainSpec::new(id, denom);
    for secret in funded {
        spec = spec.fund(DevAccount::from_secret(*secret)?.address(PREFIX)?, FUNDS);
    }
    Ok(spec)
}

fn endpoint(chain: &Wasmd) -> ChainEndpoint {
    ChainEndpoint {
        chain_id: chain.chain_id().to_owned(),
        rpc: chain.rpc_url(),
        prefix: PREFIX.to_owned(),
        denom: chain.denom().to_owned(),
    }
}

impl Backend for Real {
    fn endpoints(&self) -> &Endpoints {
        &self.endpoints
    }

    fn code_bytes(&self, name: &str) -> Result<Vec<u8>> {
        self.contracts.code_bytes(name).with_context(|| format!("no contract {name}"))
    }

    fn connect(&mut self) -> Result<String> {
        let connection = self.hermes.connect(&self.consumer, &self.hub)?;
        let on_hub = connection.b.clone();
        self.connection = Some(connection);
        Ok(on_hub)
    }

    fn open_mesh_channel(&mut self, converter: &str, external_staking: &str) -> Result<()> {
        let connection = self.connection.as_ref().context("the chains are not connected")?;
        let ports = [port_of(converter), port_of(external_staking)];
        self.hermes.open_channel(connection, [&ports[0], &ports[1]], Order::Unordered, MESH_VERSION)?;
        self.relaying = Some(self.hermes.start()?);
        Ok(())
    }
}
