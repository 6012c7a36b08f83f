//! What a chain is made from.

use super::account::{GenesisAccount, GenesisValidator};
use super::custom::CustomModule;
use super::native::ContractSet;
use crate::clock::Clock;
use cosmwasm_std::Coin;
use std::sync::Arc;
use std::time::Duration;

/// Everything that makes a chain; [`ChainConfig::new`] gives a chain with one validator and no contracts.
#[derive(Clone)]
pub struct ChainConfig {
    /// Chain id, what transactions are signed for.
    pub chain_id: String,
    /// Address prefix.
    pub prefix: String,
    /// Staking and fee denomination.
    pub denom: String,
    /// Funded addresses.
    pub accounts: Vec<GenesisAccount>,
    /// Validators; at least one.
    pub validators: Vec<GenesisValidator>,
    /// Unbonding time of the chain's own staking.
    pub unbonding: Duration,
    /// Yearly staking rewards in percent.
    pub rewards_percent: u64,
    /// Tokens per unit of consensus power (10^6 as in the SDK).
    pub power_reduction: u128,
    /// Smallest fee, in thousandths of a base unit of `denom` per unit of gas.
    pub min_gas_price_milli: u64,
    /// The time blocks get.
    pub clock: Clock,
    /// Smallest step of time from block to block.
    pub min_block_step: Duration,
    /// A block is made this often; `None`: only when a transaction comes or somebody asks.
    pub block_time: Option<Duration>,
    /// Contracts known by name.
    pub contracts: ContractSet,
    /// Where the RPC listens on loopback; port 0 takes a free one; `None`: no RPC.
    pub rpc_port: Option<u16>,
    /// A Go module for custom messages.
    pub custom: Option<Arc<dyn CustomModule>>,
}

impl ChainConfig {
    /// A chain with one validator of 100 power, no accounts, an RPC on a free port, blocks on demand.
    pub fn new(chain_id: &str, prefix: &str, denom: &str) -> Self {
        Self {
            chain_id: chain_id.to_owned(),
            prefix: prefix.to_owned(),
            denom: denom.to_owned(),
            accounts: Vec::new(),
            validators: vec![GenesisValidator {
                moniker: "validator-1".to_owned(),
                self_bond: 100_000_000,
                commission_percent: 5,
            }],
            unbonding: Duration::from_secs(21 * 24 * 3600),
            rewards_percent: 10,
            power_reduction: 1_000_000,
            min_gas_price_milli: 0,
            clock: Clock::system(),
            min_block_step: Duration::from_millis(1),
            block_time: None,
            contracts: ContractSet::new(),
            rpc_port: Some(0),
            custom: None,
        }
    }

    /// Gives `amount` base units of the chain's denomination to `address`.
    #[must_use]
    pub fn fund(mut self, address: &str, amount: u128) -> Self {
        let coins = vec![Coin::new(amount, &self.denom)];
        self.accounts.push(GenesisAccount { address: address.to_owned(), coins });
        self
    }

    /// Replaces the validators.
    #[must_use]
    pub fn validators(mut self, validators: Vec<GenesisValidator>) -> Self {
        self.validators = validators;
        self
    }

    /// Uses `clock`.
    #[must_use]
    pub fn clock(mut self, clock: Clock) -> Self {
        self.clock = clock;
        self
    }

    /// Makes a block this often.
    #[must_use]
    pub fn block_time(mut self, every: Duration) -> Self {
        self.block_time = Some(every);
        self
    }

    /// Knows these contracts.
    #[must_use]
    pub fn contracts(mut self, contracts: ContractSet) -> Self {
        self.contracts = contracts;
        self
    }

    /// Listens on `port`.
    #[must_use]
    pub fn rpc_port(mut self, port: Option<u16>) -> Self {
        self.rpc_port = port;
        self
    }

    /// Unbonds in this time.
    #[must_use]
    pub fn unbonding(mut self, time: Duration) -> Self {
        self.unbonding = time;
        self
    }

    /// Answers custom messages with `module`.
    #[must_use]
    pub fn custom(mut self, module: Arc<dyn CustomModule>) -> Self {
        self.custom = Some(module);
        self
    }
}
