//! One vault and many external-stakings, with messages carried between them and packets answered at once.

use std::collections::HashMap;

use anyhow::{Context, Result, anyhow, bail, ensure};
use cosmwasm_std::testing::{MockApi, mock_env};
use cosmwasm_std::{
    Addr, Binary, Coin, ContractResult, CosmosMsg, Deps, DepsMut, Empty, Env, IbcAcknowledgement, IbcChannel,
    IbcChannelConnectMsg, IbcChannelOpenMsg, IbcEndpoint, IbcMsg, IbcOrder, IbcPacket, IbcPacketAckMsg,
    IbcPacketReceiveMsg, IbcTimeout, MessageInfo, Querier, QuerierResult, QuerierWrapper, QueryRequest,
    Reply, ReplyOn, Response, SubMsg, SubMsgResponse, SubMsgResult, SystemError, SystemResult, Timestamp,
    WasmMsg, WasmQuery, from_json,
};
use serde_json::{Value, json};

use super::memory::Counted;

/// The vault's place among the contracts; consumers follow.
const VAULT: usize = 0;
const DENOM: &str = "umesh";
const REWARDS: &str = "ucons";
const UNBONDING: u64 = 1_000;

/// Everything on the provider side.
pub(crate) struct Hub {
    api: MockApi,
    env: Env,
    storages: Vec<Counted>,
    addresses: Vec<Addr>,
    places: HashMap<Addr, usize>,
    sequence: u64,
}

fn text(e: impl ToString) -> anyhow::Error {
    anyhow!(e.to_string())
}

fn coin(amount: u128) -> Value {
    json!({ "denom": DENOM, "amount": amount.to_string() })
}

fn validator(n: usize) -> String {
    format!("consvaloper1{n:038}")
}

/// What a contract answered: messages to carry.
type Messages = Vec<SubMsg>;

impl Hub {
    /// Deploys everything and opens every channel.
    pub(crate) fn new(chains: usize, validators: usize) -> Result<Self> {
        ensure!(chains > 0, "there must be a chain");
        let api = MockApi::default().with_prefix("mesh");
        let addresses: Vec<_> = (0..=chains).map(|n| api.addr_make(&format!("contract-{n}"))).collect();
        let places = addresses.iter().cloned().zip(0..).collect();
        let storages = (0..=chains).map(|_| Counted::default()).collect();
        let mut hub = Self { api, env: mock_env(), storages, addresses, places, sequence: 0 };
        hub.deploy_vault()?;
        for chain in 0..chains {
            hub.deploy_consumer(chain, validators)?;
        }
        Ok(hub)
    }

    /// Bytes of all contracts' records.
    pub(crate) fn stored(&self) -> i64 {
        self.storages.iter().map(Counted::bytes).sum()
    }

    fn user(&self, n: u64) -> Addr {
        self.api.addr_make(&format!("user-{n}"))
    }

    fn env_of(&self, who: usize) -> Env {
        let mut env = self.env.clone();
        env.contract.address = self.addresses[who].clone();
        env
    }

    /// Runs something in a contract.
    fn within<R, E: ToString>(
        &mut self,
        who: usize,
        f: impl FnOnce(DepsMut<'_>, Env) -> Result<R, E>,
    ) -> Result<R> {
        let env = self.env_of(who);
        let mut storage = std::mem::take(&mut self.storages[who]);
        let querier = Router(self);
        let deps = DepsMut { storage: &mut storage, api: &self.api, querier: QuerierWrapper::new(&querier) };
        let done = f(deps, env);
        self.storages[who] = storage;
        done.map_err(text)
    }

    fn deploy_vault(&mut self) -> Result<()> {
        let init: staking_api::mesh::vault::InstantiateMsg =
            serde_json::from_value(json!({ "denom": DENOM, "local_staking": null }))?;
        let info = MessageInfo { sender: self.user(0), funds: vec![] };
        self.within(VAULT, |deps, env| mesh_vault::instantiate(deps, env, info, init))?;
        Ok(())
    }

    fn deploy_consumer(&mut self, chain: usize, validators: usize) -> Result<()> {
        let init = json!({
            "denom": DENOM, "rewards_denom": REWARDS, "vault": self.addresses[VAULT], "unbonding_period": UNBONDING,
            "remote_contact": { "connection_id": format!("connection-{chain}"), "port_id": "wasm.converter" },
            "slash_ratio": { "double_sign": "0.05", "offline": "0.01" },
        });
        let init: staking_api::mesh::external::InstantiateMsg = serde_json::from_value(init)?;
        let info = MessageInfo { sender: self.user(0), funds: vec![] };
        let who = chain + 1;
        self.within(who, |deps, env| external_staking::instantiate(deps, env, info, init))?;
        let channel = channel(chain);
        let version = channel.version.clone();
        let open = IbcChannelOpenMsg::new_try(channel.clone(), version);
        self.within(who, |deps, env| external_staking::ibc_channel_open(deps, env, open))?;
        let connect = IbcChannelConnectMsg::new_confirm(channel);
        self.within(who, |deps, env| external_staking::ibc_channel_connect(deps, env, connect))?;
        let all: Vec<_> =
            (0..validators).map(|n| json!({ "valoper": validator(n), "pub_key": "TODO" })).collect();
        self.receive(chain, &valset(&all, &[]))
    }

    /// A packet of a consumer arrives.
    fn receive(&mut self, chain: usize, packet: &Value) -> Result<()> {
        let data = Binary::from(serde_json::to_vec(packet)?);
        let packet = self.packet(chain, data);
        let msg = IbcPacketReceiveMsg::new(packet, Addr::unchecked("relayer"));
        let who = chain + 1;
        let answer = self.within(who, |deps, env| external_staking::ibc_packet_receive(deps, env, msg))?;
        let ack = answer.acknowledgement.unwrap_or_default();
        ensure!(ack.starts_with(b"{\"result\""), "refused: {}", String::from_utf8_lossy(&ack));
        self.carry(who, answer.messages)
    }

    fn packet(&mut self, chain: usize, data: Binary) -> IbcPacket {
        self.sequence += 1;
        let channel = channel(chain);
        let timeout = IbcTimeout::with_timestamp(Timestamp::from_seconds(u64::from(u32::MAX)));
        IbcPacket::new(data, channel.counterparty_endpoint, channel.endpoint, self.sequence, timeout)
    }

    /// Calls a contract of the hub.
    fn execute(&mut self, who: usize, sender: Addr, funds: Vec<Coin>, msg: &[u8]) -> Result<()> {
        let info = MessageInfo { sender, funds };
        let answer: Response = if who == VAULT {
            let msg = from_json(msg).map_err(text)?;
            self.within(who, |deps, env| mesh_vault::execute(deps, env, info, msg))?
        } else {
            let msg = from_json(msg).map_err(text)?;
            self.within(who, |deps, env| external_staking::execute(deps, env, info, msg))?
        };
        self.carry(who, answer.messages)
    }

    /// Carries messages where they go: calls to the other contracts, packets to the consumer, which agrees.
    fn carry(&mut self, from: usize, messages: Messages) -> Result<()> {
        for sub in messages {
            let (id, payload, reply_on) = (sub.id, sub.payload.clone(), sub.reply_on.clone());
            let done = self.carry_one(from, sub.msg);
            let wanted = match (&done, reply_on) {
                (_, ReplyOn::Always) | (Ok(()), ReplyOn::Success) | (Err(_), ReplyOn::Error) => true,
                (Ok(()), _) => false,
                (Err(_), _) => return done,
            };
            if wanted {
                self.reply(from, id, payload, done.map_err(|e| e.to_string()))?;
            }
        }
        Ok(())
    }

    fn carry_one(&mut self, from: usize, msg: CosmosMsg) -> Result<()> {
        match msg {
            CosmosMsg::Wasm(WasmMsg::Execute { contract_addr, msg, funds }) => {
                let to = self.find(&contract_addr).context("a message to nobody")?;
                self.execute(to, self.addresses[from].clone(), funds, &msg)
            }
            CosmosMsg::Ibc(IbcMsg::SendPacket { data, .. }) => self.agree(from, data),
            CosmosMsg::Bank(_) => Ok(()),
            other => bail!("a message of another kind: {other:?}"),
        }
    }

    fn reply(&mut self, who: usize, id: u64, payload: Binary, done: Result<(), String>) -> Result<()> {
        #[expect(deprecated, reason = "the field is part of the type")]
        let result = match done {
            Ok(()) => SubMsgResult::Ok(SubMsgResponse { events: vec![], data: None, msg_responses: vec![] }),
            Err(error) => SubMsgResult::Err(error),
        };
        let reply = Reply { id, payload, gas_used: 0, result };
        let answer: Response = if who == VAULT {
            self.within(who, |deps, env| mesh_vault::reply(deps, env, reply))?
        } else {
            self.within(who, |deps, env| external_staking::reply(deps, env, reply))?
        };
        self.carry(who, answer.messages)
    }

    /// The consumer takes a packet and says so.
    fn agree(&mut self, from: usize, data: Binary) -> Result<()> {
        let mut packet = self.packet(from - 1, data);
        std::mem::swap(&mut packet.src, &mut packet.dest);
        let ack = IbcAcknowledgement::new(br#"{"result":"e30="}"#);
        let msg = IbcPacketAckMsg::new(ack, packet, Addr::unchecked("relayer"));
        let answer = self.within(from, |deps, env| external_staking::ibc_packet_ack(deps, env, msg))?;
        self.carry(from, answer.messages)
    }

    fn find(&self, address: &str) -> Option<usize> {
        self.places.get(&Addr::unchecked(address)).copied()
    }

    pub(crate) fn bond(&mut self, user: u64, amount: u128) -> Result<()> {
        let msg = serde_json::to_vec(&json!({ "bond": { "amount": coin(amount) } }))?;
        self.execute(VAULT, self.user(user), vec![Coin::new(amount, DENOM)], &msg)
    }

    pub(crate) fn stake(&mut self, user: u64, chain: usize, n: usize, amount: u128) -> Result<()> {
        let inner = Binary::from(serde_json::to_vec(&json!({ "validator": validator(n) }))?);
        let to = &self.addresses[chain + 1];
        let msg = json!({ "stake_remote": { "contract": to, "amount": coin(amount), "msg": inner } });
        self.execute(VAULT, self.user(user), vec![], &serde_json::to_vec(&msg)?)
    }

    pub(crate) fn unstake(&mut self, user: u64, chain: usize, n: usize, amount: u128) -> Result<()> {
        let msg = json!({ "unstake": { "validator": validator(n), "amount": coin(amount) } });
        self.execute(chain + 1, self.user(user), vec![], &serde_json::to_vec(&msg)?)
    }

    pub(crate) fn withdraw(&mut self, user: u64, chain: usize) -> Result<()> {
        let msg = serde_json::to_vec(&json!({ "withdraw_unbonded": {} }))?;
        self.execute(chain + 1, self.user(user), vec![], &msg)
    }

    /// The consumer reports a slash of a validator.
    pub(crate) fn slash(&mut self, chain: usize, n: usize, amount: u128) -> Result<()> {
        let now = self.env.block.time.seconds();
        let slash = json!({ "address": validator(n), "infraction_height": 8, "infraction_time": now - 1, "power": 1,
            "slash_amount": coin(amount), "slash_ratio": "0.05" });
        self.receive(chain, &valset(&[], &[slash]))
    }

    /// Applies recorded slashes to the next stakers.
    pub(crate) fn settle(&mut self, chain: usize, n: usize, limit: u32) -> Result<()> {
        let msg = json!({ "settle_slash": { "validator": validator(n), "limit": limit } });
        self.execute(chain + 1, self.user(0), vec![], &serde_json::to_vec(&msg)?)
    }

    /// Rewards of every validator of a consumer arrive.
    pub(crate) fn distribute(&mut self, chain: usize, validators: usize) -> Result<()> {
        let rewards: Vec<_> =
            (0..validators).map(|n| json!({ "validator": validator(n), "reward": "1000000" })).collect();
        self.receive(chain, &json!({ "distribute_batch": { "rewards": rewards, "denom": REWARDS } }))
    }

    /// What a user has with a validator, at least.
    #[cfg(test)]
    pub(crate) fn staked(&self, user: u64, chain: usize, n: usize) -> Result<u128> {
        let ask = json!({ "stake": { "user": self.user(user), "validator": validator(n) } });
        let (router, env) = (Router(self), self.env_of(chain + 1));
        let deps = Deps {
            storage: &self.storages[chain + 1],
            api: &self.api,
            querier: QuerierWrapper::new(&router),
        };
        let answer = external_staking::query(deps, env, serde_json::from_value(ask)?).map_err(text)?;
        let info: staking_api::mesh::external::StakeInfo = from_json(answer).map_err(text)?;
        Ok(info.stake.l.0)
    }

    /// Lets everything unbonding mature.
    pub(crate) fn wait(&mut self) {
        self.env.block.time = self.env.block.time.plus_seconds(UNBONDING + 1);
    }
}

fn valset(additions: &[Value], slashed: &[Value]) -> Value {
    json!({ "valset_update": { "height": 9, "time": 1, "additions": additions, "removals": [], "updated": [],
        "jailed": [], "unjailed": [], "tombstoned": [], "slashed": slashed } })
}

fn channel(chain: usize) -> IbcChannel {
    let own =
        IbcEndpoint { port_id: format!("wasm.external-{chain}"), channel_id: format!("channel-{chain}") };
    let other = IbcEndpoint { port_id: "wasm.converter".to_owned(), channel_id: "channel-0".to_owned() };
    let version = r#"{"protocol":"mesh-security","version":"0.11.0"}"#;
    IbcChannel::new(own, other, IbcOrder::Unordered, version, format!("connection-{chain}"))
}

/// Smart queries between the contracts.
struct Router<'a>(&'a Hub);

impl Querier for Router<'_> {
    fn raw_query(&self, request: &[u8]) -> QuerierResult {
        let refuse =
            |kind: &str| SystemResult::Err(SystemError::UnsupportedRequest { kind: kind.to_owned() });
        let Ok(QueryRequest::Wasm(WasmQuery::Smart { contract_addr, msg })) =
            from_json::<QueryRequest<Empty>>(request)
        else {
            return refuse("not a smart query");
        };
        let Some(who) = self.0.find(&contract_addr) else {
            return SystemResult::Err(SystemError::NoSuchContract { addr: contract_addr });
        };
        let deps =
            Deps { storage: &self.0.storages[who], api: &self.0.api, querier: QuerierWrapper::new(self) };
        let env = self.0.env_of(who);
        let answer = if who == VAULT {
            from_json(&msg).and_then(|msg| mesh_vault::query(deps, env, msg))
        } else {
            from_json(&msg).and_then(|msg| external_staking::query(deps, env, msg))
        };
        SystemResult::Ok(answer.map_or_else(|e| ContractResult::Err(e.to_string()), ContractResult::Ok))
    }
}
