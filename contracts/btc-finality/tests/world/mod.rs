//! The three Bitcoin contracts on one chain, and everybody who talks to them.
#![allow(dead_code, unreachable_pub, reason = "each test file uses a part")]

pub mod actors;
pub mod vault;

use cosmwasm_std::{Addr, Coin, Event, to_json_binary};
use cw_multi_test::{App, AppBuilder, AppResponse, ContractWrapper, Executor, MockApiBech32};
use mesh_harness::miner::{Miner, light_client};
use staking_api::light_client as lc;
use staking_api::staking::{
    Commission, Delegation, ExecuteMsg as StakingMsg, QueryMsg as StakingQuery, RegisterProvider, Status,
};
use staking_api::{Key, Txid, finality as fin};
use staking_crypto::SecretKey;
use staking_protocol::context::{Domain, Purpose};

use actors::{Provider, Randomness, Stake, activation, possession, public, secret};

/// Chain id of the hub.
pub const HUB: &str = "mesh-hub";
/// Chain id of a consumer.
pub const CONSUMER: &str = "mesh-consumer";
/// Reward denomination.
pub const DENOM: &str = "umesh";
/// Confirmations.
pub const K: u32 = 3;
/// Time of Bitcoin's first block.
const TIME: u32 = 1_700_000_000;

type Chain = App<cw_multi_test::BankKeeper, MockApiBech32>;

/// All of it.
pub struct World {
    pub app: Chain,
    pub miner: Miner,
    pub admin: Addr,
    pub light_client: Addr,
    pub staking: Addr,
    pub finality: Addr,
    pub members: Vec<SecretKey>,
    pub params: staking_api::staking::Params,
    relayed: u32,
}

impl World {
    /// Deploys and wires the contracts, with three members of whom two must sign.
    pub fn new() -> Self {
        Self::with(|_| {}, 0)
    }

    /// As [`World::new`] with changed parameters and a depth of timestamps.
    pub fn with(change: impl FnOnce(&mut staking_api::staking::Params), timestamp_depth: u32) -> Self {
        let mut world = Self::unwired(change, timestamp_depth);
        let (admin, finality) = (world.admin.clone(), world.finality.to_string());
        world.stake(&admin, &StakingMsg::SetPeers { finality: Some(finality), vault: None }).unwrap();
        world
    }

    /// As [`World::with`], before btc-staking knows btc-finality.
    pub fn unwired(change: impl FnOnce(&mut staking_api::staking::Params), timestamp_depth: u32) -> Self {
        let api = MockApiBech32::new("mesh");
        let admin = api.addr_make("admin");
        let rich = admin.clone();
        let mut app = AppBuilder::new().with_api(api).build(|router, _, storage| {
            router.bank.init_balance(storage, &rich, vec![Coin::new(1_000_000_000u128, DENOM)]).unwrap();
        });
        app.update_block(|block| {
            block.chain_id = HUB.into();
            block.height = 1000;
            block.time = cosmwasm_std::Timestamp::from_seconds(u64::from(TIME));
        });
        let members: Vec<_> = (1..=3).map(secret).collect();
        let mut params = actors::params(&members, 2);
        change(&mut params);
        let miner = Miner::new(TIME);
        let light_client = deploy_light_client(&mut app, &admin, &miner);
        let staking = deploy_staking(&mut app, &admin, &light_client, &params);
        let finality = deploy_finality(&mut app, &admin, &light_client, &staking, timestamp_depth);
        Self { app, miner, admin, light_client, staking, finality, members, params, relayed: 0 }
    }

    /// An address.
    pub fn account(&self, name: &str) -> Addr {
        self.app.api().addr_make(name)
    }

    /// Names a vault that can be told to refuse.
    pub fn add_vault(&mut self) -> Addr {
        let vault = vault::deploy(&mut self.app, &self.admin);
        let admin = self.admin.clone();
        let msg = StakingMsg::SetPeers { finality: None, vault: Some(vault.to_string()) };
        self.stake(&admin, &msg).unwrap();
        self.finality(&admin, &fin::ExecuteMsg::SetVault { vault: vault.to_string() }, &[]).unwrap();
        vault
    }

    /// Sends a message to btc-staking.
    pub fn stake(&mut self, from: &Addr, msg: &StakingMsg) -> Result<AppResponse, String> {
        let to = self.staking.clone();
        self.app.execute_contract(from.clone(), to, msg, &[]).map_err(|e| text(&e))
    }

    /// Sends a message to btc-finality.
    pub fn finality(
        &mut self,
        from: &Addr,
        msg: &fin::ExecuteMsg,
        funds: &[Coin],
    ) -> Result<AppResponse, String> {
        let to = self.finality.clone();
        self.app.execute_contract(from.clone(), to, msg, funds).map_err(|e| text(&e))
    }

    /// Sends headers.
    pub fn submit(&mut self, headers: staking_api::Binary) -> Result<AppResponse, String> {
        let (from, to) = (self.admin.clone(), self.light_client.clone());
        let msg = lc::ExecuteMsg::SubmitHeaders { headers, limit: None };
        self.app.execute_contract(from, to, &msg, &[]).map_err(|e| text(&e))
    }

    /// Relays all blocks that were mined since, and lets the hub's time follow.
    pub fn relay(&mut self) {
        let headers = self.miner.headers_after(self.relayed);
        self.set_time();
        self.submit(headers).unwrap();
        self.relayed = self.miner.height();
    }

    /// Replaces the miner's chain by a branch and relays it.
    pub fn reorg(&mut self, branch: Miner, fork: u32) -> AppResponse {
        self.miner = branch;
        self.set_time();
        let headers = self.miner.headers_after(fork);
        let response = self.submit(headers).unwrap();
        self.relayed = self.miner.height();
        response
    }

    fn set_time(&mut self) {
        let seconds = u64::from(TIME) + 600 * u64::from(self.miner.height());
        self.app.update_block(|block| {
            block.height += 1;
            let time = cosmwasm_std::Timestamp::from_seconds(seconds);
            block.time = block.time.max(time);
        });
    }

    /// Lets the hub's time go on while no header comes.
    pub fn halt(&mut self, seconds: u64) {
        self.app.update_block(|block| {
            block.height += 1;
            block.time = block.time.plus_seconds(seconds);
        });
    }

    /// Mints coins.
    pub fn give(&mut self, to: &Addr, amount: u128, denom: &str) {
        let to_address = to.to_string();
        let mint = cw_multi_test::BankSudo::Mint { to_address, amount: vec![Coin::new(amount, denom)] };
        self.app.sudo(cw_multi_test::SudoMsg::Bank(mint)).unwrap();
    }

    /// Plans a stake.
    pub fn plan(&self, staker: u8, fps: &[Key], value: u64, time: u16, salt: u8) -> Stake {
        Stake::plan(&actors::checked(&self.params), &secret(staker), fps, value, time, salt)
    }

    /// As [`World::new`], with the account `guardian` as guardian of staking and finality.
    pub fn with_guardian() -> Self {
        let mut world = Self::new();
        let (admin, guardian) = (world.admin.clone(), Some(world.account("guardian").to_string()));
        let msg = fin::ExecuteMsg::UpdateAdmin { admin: None, guardian: guardian.clone() };
        world.finality(&admin, &msg, &[]).unwrap();
        world.stake(&admin, &StakingMsg::UpdateAdmin { admin: None, guardian }).unwrap();
        world
    }

    /// Mines empty blocks and relays.
    pub fn mine(&mut self, count: u32) {
        self.miner.mine_empty(count);
        self.relay();
    }

    /// Registers a provider for consumers.
    pub fn provider(&mut self, byte: u8, consumers: &[&str]) -> Provider {
        let owner = self.owner_of(byte);
        self.register_provider(byte, &owner, consumers).unwrap();
        Provider { key: secret(byte) }
    }

    /// Registers a provider in the name of an owner.
    pub fn register_provider(
        &mut self,
        byte: u8,
        owner: &Addr,
        consumers: &[&str],
    ) -> Result<AppResponse, String> {
        let msg = self.provider_registration(byte, owner, consumers);
        self.stake(owner, &msg)
    }

    /// The message that registers a provider.
    pub fn provider_registration(&self, byte: u8, owner: &Addr, consumers: &[&str]) -> StakingMsg {
        let key = secret(byte);
        let domain = Domain::v0(Purpose::ProviderPossession, HUB, self.staking.as_str());
        StakingMsg::RegisterProvider(RegisterProvider {
            fp_pk: public(&key),
            pop: possession(&key, &domain, owner.as_str()),
            commission: Commission {
                rate: "0.1".parse().unwrap(),
                max_rate: "0.5".parse().unwrap(),
                max_change_rate: "0.1".parse().unwrap(),
            },
            description: Default::default(),
            consumers: consumers.iter().map(ToString::to_string).collect(),
        })
    }

    /// Tells btc-finality a provider's secret key.
    pub fn leak(&mut self, provider: &Provider) -> Result<AppResponse, String> {
        let secret_key = (*provider.key.to_even_secret().expose_secret()).into();
        let msg = fin::ExecuteMsg::SubmitLeakedKey { fp_pk: public(&provider.key), secret_key };
        let anyone = self.account("anyone");
        self.finality(&anyone, &msg, &[])
    }

    /// Registers a consumer whose settings are those of [`settings`], changed.
    pub fn consumer(&mut self, id: &str, change: impl FnOnce(&mut fin::ConsumerSettings)) {
        let mut consumer = settings(id);
        change(&mut consumer);
        let admin = self.admin.clone();
        self.finality(&admin, &fin::ExecuteMsg::RegisterConsumer(consumer), &[]).unwrap();
    }

    /// A provider as btc-finality knows it.
    pub fn info(&self, consumer: &str, fp_pk: Key) -> fin::ProviderInfo {
        let query = fin::QueryMsg::Provider { consumer: consumer.into(), fp_pk };
        self.ask::<Option<fin::ProviderInfo>>(&query).unwrap()
    }

    /// Owner of the provider with that key.
    pub fn owner_of(&self, byte: u8) -> Addr {
        self.account(&format!("provider-{byte}"))
    }

    /// Address of the staker with that key.
    pub fn staker_of(&self, byte: u8) -> Addr {
        self.account(&format!("staker-{byte}"))
    }

    /// Plans and registers a stake.
    pub fn register(&mut self, staker: u8, fps: &[Key], value: u64, time: u16, salt: u8) -> Stake {
        let params = actors::checked(&self.params);
        let stake = Stake::plan(&params, &secret(staker), fps, value, time, salt);
        self.register_planned(staker, &stake).unwrap();
        stake
    }

    /// Registers a planned stake.
    pub fn register_planned(&mut self, staker: u8, stake: &Stake) -> Result<AppResponse, String> {
        let msg = self.registration(staker, stake);
        let owner = self.staker_of(staker);
        self.stake(&owner, &StakingMsg::RegisterDelegation(msg))
    }

    /// The message that registers a planned stake.
    pub fn registration(&self, staker: u8, stake: &Stake) -> staking_api::staking::RegisterDelegation {
        let key = secret(staker);
        let domain = Domain::v0(Purpose::StakerPossession, HUB, self.staking.as_str());
        let pop = possession(&key, &domain, self.staker_of(staker).as_str());
        stake.register(&key, pop)
    }

    /// The message that registers a stake of several holders, with the signatures of the first and some others.
    pub fn registration_multi(
        &self,
        staker: u8,
        stake: &Stake,
        keys: &[SecretKey],
        quorum: u32,
        others: usize,
    ) -> staking_api::staking::RegisterDelegation {
        let mut msg = self.registration(staker, stake);
        let hashes = stake.presigned.sighashes();
        let sign = |key: &SecretKey, digest: &[u8; 32]| {
            staking_api::Binary(staking_crypto::bip340::sign(key, digest, &[0; 32]).to_bytes().to_vec())
        };
        let signatures = keys.iter().skip(1).take(others).map(|key| staking_api::staking::StakerSignatures {
            staker_pk: public(key),
            slashing: sign(key, &hashes.slashing.0),
            unbonding_slashing: sign(key, &hashes.unbonding_slashing.0),
        });
        msg.multisig = Some(staking_api::staking::MultisigStaker {
            other_pks: keys.iter().skip(1).map(public).collect(),
            quorum,
            signatures: signatures.collect(),
        });
        msg
    }

    /// Mines a stake k deep, then registers it with its proof.
    pub fn register_mined(&mut self, staker: u8, fps: &[Key], value: u64, time: u16, salt: u8) -> Stake {
        let params = actors::checked(&self.params);
        let stake = Stake::plan(&params, &secret(staker), fps, value, time, salt);
        actors::mine(&mut self.miner, std::slice::from_ref(&stake.tx));
        self.mine(K);
        self.register_with_proof(staker, &stake).unwrap();
        stake
    }

    /// Registers a mined stake with its proof.
    pub fn register_with_proof(&mut self, staker: u8, stake: &Stake) -> Result<AppResponse, String> {
        let mut msg = self.registration(staker, stake);
        msg.inclusion = self.miner.proof(stake.tx.txid().0);
        let owner = self.staker_of(staker);
        self.stake(&owner, &StakingMsg::RegisterDelegation(msg))
    }

    /// Mines a spend of a stake, relays it and reports it.
    pub fn report_spend(
        &mut self,
        stake: &Stake,
        tx: &staking_protocol::tx::Transaction,
        funding: &[staking_protocol::tx::Transaction],
    ) -> Result<AppResponse, String> {
        if !self.miner.has(tx.txid().0) {
            actors::mine(&mut self.miner, std::slice::from_ref(tx));
            self.relay();
        }
        let items = vec![actors::spend(&self.miner, stake, tx, funding)];
        let anyone = self.account("anyone");
        self.stake(&anyone, &StakingMsg::Undelegate { items })
    }

    /// Unbonds a stake.
    pub fn unbond(&mut self, staker: u8, stake: &Stake) -> Result<AppResponse, String> {
        let tx = stake.unbonding(&secret(staker), self.members.len());
        self.report_spend(stake, &tx, &[])
    }

    /// Plans and registers a stake that continues another one.
    pub fn register_expansion(
        &mut self,
        staker: u8,
        old: &Stake,
        child: &Stake,
        funding: &staking_protocol::tx::Transaction,
    ) -> Result<AppResponse, String> {
        let mut msg = self.registration(staker, child);
        msg.expansion = Some(staking_api::staking::Expansion {
            previous_txid: old.txid(),
            funding_tx: staking_api::Binary(funding.serialize()),
        });
        let owner = self.staker_of(staker);
        self.stake(&owner, &StakingMsg::RegisterDelegation(msg))
    }

    /// Lets one member sign an expansion.
    pub fn sign_expansion(
        &mut self,
        member: usize,
        old: &Stake,
        child: &Stake,
        funding: &staking_protocol::tx::Transaction,
    ) -> Result<AppResponse, String> {
        let digest = old.expansion_digest(child, funding);
        let items = vec![child.covenant(&self.members[member], Some(digest))];
        let covenant_pk = public(&self.members[member]);
        let admin = self.admin.clone();
        self.stake(&admin, &StakingMsg::AddCovenantSignatures { covenant_pk, items })
    }

    /// Asks btc-staking.
    pub fn ask_staking<T: serde::de::DeserializeOwned>(&self, query: &StakingQuery) -> T {
        self.app.wrap().query_wasm_smart(&self.staking, query).unwrap()
    }

    /// Everything that a contract stores.
    pub fn dump(&self, contract: &Addr) -> Vec<(Vec<u8>, Vec<u8>)> {
        self.app.dump_wasm_raw(contract)
    }

    /// Lets members sign.
    pub fn sign(&mut self, stake: &Stake, members: std::ops::Range<usize>) {
        for member in members {
            self.sign_one(stake, member).unwrap();
        }
    }

    /// Lets one member sign.
    pub fn sign_one(&mut self, stake: &Stake, member: usize) -> Result<AppResponse, String> {
        let items = vec![stake.covenant(&self.members[member], None)];
        let covenant_pk = public(&self.members[member]);
        let admin = self.admin.clone();
        self.stake(&admin, &StakingMsg::AddCovenantSignatures { covenant_pk, items })
    }

    /// Mines the staking transaction k deep and proves it.
    pub fn confirm(&mut self, stake: &Stake) {
        actors::mine(&mut self.miner, std::slice::from_ref(&stake.tx));
        self.mine(K);
        self.activate(stake).unwrap();
    }

    /// Proves inclusion.
    pub fn activate(&mut self, stake: &Stake) -> Result<AppResponse, String> {
        let items = vec![activation(&self.miner, stake)];
        let admin = self.admin.clone();
        self.stake(&admin, &StakingMsg::Activate { items })
    }

    /// Registers, signs, mines and activates.
    pub fn active(&mut self, staker: u8, fps: &[Key], value: u64, time: u16, salt: u8) -> Stake {
        let stake = self.register(staker, fps, value, time, salt);
        self.sign(&stake, 0..2);
        self.confirm(&stake);
        stake
    }

    /// A delegation as the contract knows it.
    pub fn delegation(&self, txid: Txid) -> Delegation {
        let query = StakingQuery::Delegation { txid };
        let found: Option<Delegation> = self.app.wrap().query_wasm_smart(&self.staking, &query).unwrap();
        found.unwrap()
    }

    /// State of a delegation.
    pub fn status(&self, stake: &Stake) -> Status {
        self.delegation(stake.txid()).status
    }

    /// Asks btc-finality.
    pub fn ask<T: serde::de::DeserializeOwned>(&self, query: &fin::QueryMsg) -> T {
        self.app.wrap().query_wasm_smart(&self.finality, query).unwrap()
    }

    /// Power of a provider at a consumer.
    pub fn power(&self, consumer: &str, fp: Key) -> u64 {
        let set: fin::ActiveSet = self.ask(&fin::QueryMsg::ActiveSet { consumer: consumer.into() });
        set.providers.iter().find(|p| p.fp_pk == fp).map_or(0, |p| p.power)
    }

    /// Domain of a provider's messages for a consumer.
    pub fn domain(&self, purpose: Purpose, consumer: &str) -> Domain {
        Domain::v0(purpose, consumer, self.finality.as_str())
    }

    /// Commits randomness.
    pub fn commit(&mut self, provider: &Provider, consumer: &str, start: u64, count: u32) -> Randomness {
        self.try_commit(provider, consumer, start, count).unwrap()
    }

    /// Commits randomness, if the contract lets it.
    pub fn try_commit(
        &mut self,
        provider: &Provider,
        consumer: &str,
        start: u64,
        count: u32,
    ) -> Result<Randomness, String> {
        let domain = self.domain(Purpose::RandomnessCommitment, consumer);
        let (randomness, commitment, signature) = provider.commit(&domain, start, count);
        let fp_pk = public(&provider.key);
        let (consumer, count) = (consumer.to_string(), u64::from(count));
        let msg = fin::ExecuteMsg::CommitRandomness {
            consumer,
            fp_pk,
            start_height: start,
            count,
            commitment,
            signature,
        };
        let admin = self.admin.clone();
        self.finality(&admin, &msg, &[]).map(|_| randomness)
    }

    /// Commits to any root for any range.
    pub fn commit_raw(
        &mut self,
        provider: &Provider,
        consumer: &str,
        start: u64,
        count: u64,
        root: [u8; 32],
    ) -> Result<AppResponse, String> {
        let domain = self.domain(Purpose::RandomnessCommitment, consumer);
        let digest = staking_protocol::finality::randomness::signed_digest(&domain, start, count, &root);
        let signature = staking_crypto::bip340::sign(&provider.key, &digest, &[0; 32]).to_bytes().to_vec();
        let msg = fin::ExecuteMsg::CommitRandomness {
            consumer: consumer.into(),
            fp_pk: public(&provider.key),
            start_height: start,
            count,
            commitment: root.into(),
            signature: staking_api::Binary(signature),
        };
        let admin = self.admin.clone();
        self.finality(&admin, &msg, &[])
    }

    /// Votes for consecutive heights, and finalises.
    pub fn vote(
        &mut self,
        provider: &Provider,
        randomness: &Randomness,
        consumer: &str,
        heights: std::ops::Range<u64>,
        app_hash: [u8; 32],
    ) -> Result<AppResponse, String> {
        let domain = self.domain(Purpose::FinalityVote, consumer);
        let votes = heights.map(|h| provider.vote(&domain, randomness, h, app_hash)).collect();
        let msg = fin::ExecuteMsg::SubmitVotes {
            consumer: consumer.into(),
            fp_pk: public(&provider.key),
            votes,
            finalize: 100,
        };
        let admin = self.admin.clone();
        self.finality(&admin, &msg, &[])
    }

    /// Whether a height is final.
    pub fn finalized(&self, consumer: &str, height: u64) -> fin::Finalized {
        self.ask(&fin::QueryMsg::IsFinalized { consumer: consumer.into(), height })
    }
}

/// All texts of an error and its causes.
fn text(error: &impl std::fmt::Debug) -> String {
    format!("{error:?}")
}

/// The first event of a kind.
pub fn event<'a>(response: &'a AppResponse, kind: &str) -> Option<&'a Event> {
    response.events.iter().find(|e| e.ty == format!("wasm-{kind}"))
}

fn deploy_light_client(app: &mut Chain, admin: &Addr, miner: &Miner) -> Addr {
    let code = app.store_code(Box::new(ContractWrapper::new(
        btc_light_client::execute,
        btc_light_client::instantiate,
        btc_light_client::query,
    )));
    let msg = lc::InstantiateMsg {
        max_reorg_depth: Some(50),
        ..light_client(lc::Network::Regtest, &miner.blocks[0].header, K)
    };
    app.instantiate_contract(code, admin.clone(), &msg, &[], "light client", None).unwrap()
}

fn deploy_staking(
    app: &mut Chain,
    admin: &Addr,
    light_client: &Addr,
    params: &staking_api::staking::Params,
) -> Addr {
    let wrapper = ContractWrapper::new(btc_staking::execute, btc_staking::instantiate, btc_staking::query);
    let code = app.store_code(Box::new(wrapper.with_reply(btc_staking::reply)));
    let msg = staking_api::staking::InstantiateMsg {
        light_client: light_client.to_string(),
        signing: Default::default(),
        params: vec![params.clone()],
        admin: None,
        guardian: None,
    };
    app.instantiate_contract(code, admin.clone(), &msg, &[], "staking", None).unwrap()
}

/// Settings of a consumer for tests.
pub fn settings(id: &str) -> fin::ConsumerSettings {
    fin::ConsumerSettings {
        id: id.into(),
        activation_height: None,
        max_active_providers: None,
        signed_blocks_window: Some(10),
        min_signed_per_window: None,
        settle_lag: Some(2),
        jail_seconds: Some(100),
        min_pub_rand: None,
        max_pub_rand: None,
        max_commit_lead: None,
        max_vote_lead: Some(50),
        reward_denom: Some(DENOM.into()),
        reward_per_height: Some(staking_api::Uint128(1_000_000)),
    }
}

fn deploy_finality(
    app: &mut Chain,
    admin: &Addr,
    light_client: &Addr,
    staking: &Addr,
    timestamp_depth: u32,
) -> Addr {
    let wrapper = ContractWrapper::new(btc_finality::execute, btc_finality::instantiate, btc_finality::query);
    let code = app.store_code(Box::new(wrapper.with_reply(btc_finality::reply)));
    let msg = fin::InstantiateMsg {
        staking: staking.to_string(),
        light_client: light_client.to_string(),
        vault: None,
        signing: Default::default(),
        timestamp_depth,
        consumers: vec![settings(HUB), settings(CONSUMER)],
        admin: None,
        guardian: None,
    };
    let _ = to_json_binary(&msg).unwrap();
    app.instantiate_contract(code, admin.clone(), &msg, &[], "finality", None).unwrap()
}
