//! A hub with the Bitcoin contracts, set up by messages on native code.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use mesh_harness::chain::{Chain, ChainConfig, DevAccount};
use mesh_harness::clock::Clock;
use mesh_harness::miner::{Miner, light_client};
use serde::Serialize;
use staking_api::finality::{self as fin, ConsumerSettings};
use staking_api::light_client as lc;
use staking_api::staking::{self, Activation, Commission, ExecuteMsg, RegisterProvider, Spend};
use staking_api::{Binary, Key, Uint128};
use staking_crypto::SecretKey;
use staking_protocol::context::{Domain, Purpose};
use staking_protocol::params::Params;

use super::people::{Randomness, Role, Stake, possession, public, secret};
use crate::gas::contracts::{Engine, HUB_PREFIX, set};
use crate::gas::meter::{Call, Meter};

/// Chain id of the hub.
pub(crate) const HUB: &str = "mesh-hub-1";
/// Chain id of the consumer that providers vote for.
pub(crate) const CONSUMER: &str = "consumer-1";
const DENOM: &str = "umesh";
/// Confirmations, and depth of timestamps.
pub(crate) const K: u32 = 10;
/// Members of the committee, and how many must sign.
pub(crate) const MEMBERS: u32 = 9;
pub(crate) const QUORUM: u32 = 6;
const START: u32 = 1_700_000_000;

/// The hub and everybody around it.
pub(crate) struct World {
    clock: Clock,
    pub(crate) hub: Chain,
    pub(crate) meter: Arc<Meter>,
    pub(crate) miner: Miner,
    pub(crate) admin: String,
    pub(crate) light_client: String,
    pub(crate) staking: String,
    pub(crate) finality: String,
    pub(crate) members: Vec<SecretKey>,
    pub(crate) params: Params,
    relayed: u32,
}

/// What a world has besides the three contracts.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct With {
    /// A BTC vault that is told of every change.
    pub(crate) vault: bool,
    /// The consumer pays rewards, and some have accrued.
    pub(crate) rewards: bool,
}

/// Address of somebody on the hub.
pub(crate) fn account(name: &str) -> Result<String> {
    Ok(DevAccount::from_seed(0, name).address(HUB_PREFIX)?)
}

fn params(members: &[SecretKey]) -> staking::Params {
    staking::Params {
        btc_activation_height: 0,
        covenant_pks: members.iter().map(public).collect(),
        covenant_quorum: QUORUM,
        min_staking_value_sat: 10_000,
        max_staking_value_sat: 500_000_000_000,
        min_staking_time_blocks: 1_000,
        max_staking_time_blocks: 65_535,
        slashing_pk_script: Binary(vec![0x6a, 0x04, b'm', b'e', b's', b'h']),
        min_slashing_tx_fee_sat: 1_000,
        slashing_rate: staking_api::Decimal::permille(1),
        unbonding_time_blocks: 101,
        unbonding_fee_sat: 500,
        min_commission_rate: staking_api::Decimal::percent(3),
        max_finality_providers: 3,
        max_staker_quorum: 1,
        max_staker_num: 1,
        lax_slashing_tx: false,
    }
}

fn consumer(id: &str, rewards: bool) -> ConsumerSettings {
    ConsumerSettings {
        id: id.to_owned(),
        activation_height: None,
        max_active_providers: None,
        signed_blocks_window: None,
        min_signed_per_window: None,
        settle_lag: None,
        jail_seconds: None,
        min_pub_rand: None,
        max_pub_rand: None,
        max_commit_lead: None,
        max_vote_lead: None,
        reward_denom: rewards.then(|| DENOM.to_owned()),
        reward_per_height: rewards.then_some(Uint128(1_000)),
    }
}

impl World {
    /// Deploys and wires the contracts: nine members of whom six must sign, one consumer beside the hub itself.
    pub(crate) fn new(engine: Engine, with: With) -> Result<Self> {
        let (clock, meter) = (Clock::manual(u64::from(START)), Arc::<Meter>::default());
        let names = ["btc-light-client", "btc-staking", "btc-finality", "btc-vault"];
        let config = ChainConfig::new(HUB, HUB_PREFIX, DENOM)
            .contracts(set(engine, &meter, HUB_PREFIX, &names)?)
            .clock(clock.clone())
            .rpc_port(None);
        let hub = Chain::start(config)?;
        let members: Vec<_> = (0..MEMBERS).map(|n| secret(Role::Member, n)).collect();
        let miner = Miner::new(START);
        let stated = params(&members);
        let params = Params::try_from(&stated).context("parameters")?;
        let admin = account("admin")?;
        let (light_client, staking, finality) = (String::new(), String::new(), String::new());
        let mut world = Self {
            clock,
            hub,
            meter,
            miner,
            admin,
            light_client,
            staking,
            finality,
            members,
            params,
            relayed: 0,
        };
        world.deploy(stated, with)?;
        Ok(world)
    }

    fn instantiate<M: Serialize>(&self, name: &str, msg: &M) -> Result<String> {
        let code = self.hub.store(name)?;
        Ok(self.hub.instantiate(&self.admin, code, msg, name, &[])?)
    }

    fn deploy(&mut self, params: staking::Params, with: With) -> Result<()> {
        let msg = light_client(lc::Network::Regtest, &self.miner.blocks[0].header, K);
        self.light_client = self.instantiate("btc-light-client", &msg)?;
        let msg = staking::InstantiateMsg {
            light_client: self.light_client.clone(),
            signing: Default::default(),
            params: vec![params],
            admin: None,
            guardian: None,
        };
        self.staking = self.instantiate("btc-staking", &msg)?;
        let msg = fin::InstantiateMsg {
            staking: self.staking.clone(),
            light_client: self.light_client.clone(),
            vault: None,
            signing: Default::default(),
            timestamp_depth: K,
            consumers: vec![consumer(HUB, false), consumer(CONSUMER, with.rewards)],
            admin: None,
            guardian: None,
        };
        self.finality = self.instantiate("btc-finality", &msg)?;
        let vault = if with.vault { Some(self.deploy_vault()?) } else { None };
        let finality = Some(self.finality.clone());
        self.stake(&ExecuteMsg::SetPeers { finality, vault })?;
        self.mine(K)
    }

    fn deploy_vault(&self) -> Result<String> {
        let policy = serde_json::json!({ "mode": "strict", "offline": "none", "require_fp_binding": false, "expiry_margin_blocks": 0 });
        let msg = serde_json::json!({ "denom": "sat", "btc_staking": self.staking, "btc_finality": self.finality,
            "owner": self.admin, "policy": policy });
        let vault = self.instantiate("btc-vault", &msg)?;
        let msg = fin::ExecuteMsg::SetVault { vault: vault.clone() };
        self.hub.execute(&self.admin, &self.finality, &msg, &[])?;
        Ok(vault)
    }

    /// Sends a message to btc-staking.
    pub(crate) fn stake(&self, msg: &ExecuteMsg) -> Result<()> {
        self.stake_as(&self.admin, msg)
    }

    fn stake_as(&self, sender: &str, msg: &ExecuteMsg) -> Result<()> {
        self.hub.execute(sender, &self.staking, msg, &[])?;
        Ok(())
    }

    /// Sends a message to btc-finality.
    pub(crate) fn tell_finality(&self, msg: &fin::ExecuteMsg) -> Result<()> {
        self.hub.execute(&self.admin, &self.finality, msg, &[])?;
        Ok(())
    }

    /// Runs something measured and gives the calls it made.
    pub(crate) fn measured(&self, what: impl FnOnce(&Self) -> Result<()>) -> Result<Vec<Call>> {
        Ok(self.meter.measure(|| what(self))?.1)
    }

    /// Relays all blocks mined since, and lets the hub's time follow.
    pub(crate) fn relay(&mut self) -> Result<()> {
        let now = self.clock.seconds();
        self.clock.advance(Duration::from_secs(u64::from(self.miner.time()).saturating_sub(now)));
        let msg =
            lc::ExecuteMsg::SubmitHeaders { headers: self.miner.headers_after(self.relayed), limit: None };
        self.hub.execute(&self.admin, &self.light_client, &msg, &[])?;
        self.relayed = self.miner.height();
        Ok(())
    }

    /// Mines empty blocks and relays them.
    pub(crate) fn mine(&mut self, count: u32) -> Result<()> {
        self.miner.mine_empty(count);
        self.relay()
    }

    /// The message that registers a provider, by number, and its sender.
    pub(crate) fn provider(&self, number: u32) -> Result<(String, ExecuteMsg)> {
        let (key, owner) = (secret(Role::Provider, number), account(&format!("provider-{number}"))?);
        let domain = Domain::v0(Purpose::ProviderPossession, HUB, &self.staking);
        let percent = staking_api::Decimal::percent;
        let msg = RegisterProvider {
            fp_pk: public(&key),
            pop: possession(&key, &domain, &owner)?,
            commission: Commission { rate: percent(5), max_rate: percent(20), max_change_rate: percent(1) },
            description: Default::default(),
            consumers: vec![CONSUMER.to_owned()],
        };
        Ok((owner, ExecuteMsg::RegisterProvider(msg)))
    }

    /// Registers a provider by number.
    pub(crate) fn add_provider(&self, number: u32) -> Result<Key> {
        let (owner, msg) = self.provider(number)?;
        self.stake_as(&owner, &msg)?;
        Ok(public(&secret(Role::Provider, number)))
    }

    /// Plans a stake of a staker, by number.
    pub(crate) fn plan(&self, number: u32, fp: Key) -> Result<Stake> {
        Stake::plan(&self.params, number, &[fp], 5_000_000, 20_000)
    }

    /// Registers a planned stake; with `sent`, its transactions go along.
    pub(crate) fn register(&self, number: u32, stake: &Stake, sent: bool) -> Result<()> {
        let owner = account(&format!("staker-{number}"))?;
        let domain = Domain::v0(Purpose::StakerPossession, HUB, &self.staking);
        let mut msg = stake.registration(possession(&stake.staker, &domain, &owner)?);
        msg.transactions = sent.then(|| stake.transactions());
        self.stake_as(&owner, &ExecuteMsg::RegisterDelegation(msg))
    }

    /// Sends a member's signatures.
    pub(crate) fn sign(&self, stake: &Stake, member: usize) -> Result<()> {
        let member = self.members.get(member).context("no such member")?;
        let items = vec![stake.covenant(member)?];
        self.stake(&ExecuteMsg::AddCovenantSignatures { covenant_pk: public(member), items })
    }

    /// Proves inclusion of a mined stake.
    pub(crate) fn activate(&self, stake: &Stake) -> Result<()> {
        let proof = self.miner.proof(stake.tx.txid().0).context("not mined")?;
        self.stake(&ExecuteMsg::Activate { items: vec![Activation { txid: stake.txid(), proof }] })
    }

    /// Proves a mined spend of a stake.
    pub(crate) fn undelegate(&self, stake: &Stake, tx: &staking_protocol::tx::Transaction) -> Result<()> {
        let proof = self.miner.proof(tx.txid().0).context("not mined")?;
        let spending_tx = Binary(tx.serialize());
        let item = Spend { txid: stake.txid(), spending_tx, proof, funding_txs: vec![] };
        self.stake(&ExecuteMsg::Undelegate { items: vec![item] })
    }

    /// Registers, signs, mines and activates stakes, numbered from `first`.
    pub(crate) fn active(&mut self, first: u32, fps: &[Key]) -> Result<Vec<Stake>> {
        let mut stakes = Vec::new();
        for (number, fp) in (first..).zip(fps) {
            let stake = self.plan(number, *fp)?;
            self.register(number, &stake, false)?;
            (0..QUORUM as usize).try_for_each(|member| self.sign(&stake, member))?;
            stakes.push(stake);
        }
        let txids: Vec<_> = stakes.iter().map(|stake| stake.tx.txid().0).collect();
        self.miner.mine_deep(&txids);
        self.mine(K)?;
        stakes.iter().try_for_each(|stake| self.activate(stake))?;
        Ok(stakes)
    }

    /// Domain of a provider's messages for the consumer.
    pub(crate) fn domain(&self, purpose: Purpose) -> Domain {
        Domain::v0(purpose, CONSUMER, &self.finality)
    }

    /// A provider's randomness for the consumer.
    pub(crate) fn randomness(&self, provider: u32, start: u64, count: u32) -> Randomness {
        let domain = self.domain(Purpose::RandomnessCommitment);
        Randomness::new(&secret(Role::Provider, provider), &domain, start, count)
    }

    /// Commits to randomness.
    pub(crate) fn commit(&self, provider: u32, randomness: &Randomness) -> Result<()> {
        self.tell_finality(&fin::ExecuteMsg::CommitRandomness {
            consumer: CONSUMER.to_owned(),
            fp_pk: public(&secret(Role::Provider, provider)),
            start_height: randomness.start,
            count: randomness.count(),
            commitment: randomness.commitment,
            signature: randomness.signature.clone(),
        })
    }

    /// Lets Bitcoin timestamp what was committed until now.
    pub(crate) fn timestamp(&mut self) -> Result<()> {
        self.tell_finality(&fin::ExecuteMsg::TouchBtcTip {})?;
        self.mine(K)?;
        self.tell_finality(&fin::ExecuteMsg::TouchBtcTip {})
    }

    /// The message with a provider's votes for heights.
    pub(crate) fn votes(
        &self,
        provider: u32,
        randomness: &Randomness,
        heights: std::ops::Range<u64>,
        app_hash: [u8; 32],
    ) -> Result<fin::ExecuteMsg> {
        let (key, domain) = (secret(Role::Provider, provider), self.domain(Purpose::FinalityVote));
        let votes = heights.map(|height| randomness.vote(&key, &domain, height, app_hash));
        let votes = votes.collect::<Result<Vec<_>>>()?;
        Ok(fin::ExecuteMsg::SubmitVotes {
            consumer: CONSUMER.to_owned(),
            fp_pk: public(&key),
            votes,
            finalize: 0,
        })
    }

    /// Funds rewards and lets some accrue to provider 0, who votes alone.
    pub(crate) fn reward(&mut self) -> Result<()> {
        self.hub.mint(&self.admin, 1_000_000_000, DENOM)?;
        let msg = fin::ExecuteMsg::FundRewards { consumer: CONSUMER.to_owned() };
        let funds = [cosmwasm_std::Coin::new(1_000_000_000u128, DENOM)];
        self.hub.execute(&self.admin, &self.finality, &msg, &funds)?;
        self.finalize_first(20)
    }

    /// Lets provider 0, who has most of the power, vote for the first heights, and counts.
    pub(crate) fn finalize_first(&mut self, heights: u32) -> Result<()> {
        let randomness = self.randomness(0, 1, heights);
        self.commit(0, &randomness)?;
        self.timestamp()?;
        let msg = self.votes(0, &randomness, 1..1 + u64::from(heights), [1; 32])?;
        self.tell_finality(&msg)?;
        self.tell_finality(&fin::ExecuteMsg::Finalize { consumer: CONSUMER.to_owned(), limit: heights })
    }
}
