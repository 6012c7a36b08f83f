//! A light chain for many short lives of the mesh's contracts: their own entry points on maps in memory.
//!
//! It does what a chain does for them and no more: storage that a failure rolls back, sub-messages and replies, coins,
//! a few validators, packets kept in a list. Both sides of every pairing live in one world, which no contract notices.

use cosmwasm_std::testing::{MockApi, mock_env};
use cosmwasm_std::{
    Addr, BankMsg, BankQuery, Binary, Coin, ContractResult, CosmosMsg, Deps, DepsMut, DistributionMsg, Empty,
    Env, Event, IbcMsg, MessageInfo, Order, Querier, QuerierResult, QuerierWrapper, QueryRequest, Record,
    Reply, ReplyOn, Response, StakingMsg, StakingQuery, Storage, SubMsgResponse, SubMsgResult, SystemError,
    SystemResult, Uint128, WasmMsg, WasmQuery, from_json, to_json_binary,
};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, HashMap};
use std::rc::Rc;

/// The staking token of every consumer.
pub const DENOM: &str = "ucons";
/// Code id of virtual-staking.
pub const VIRTUAL: u64 = 1;

/// What runs at an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    BtcVault,
    MeshVault,
    External,
    Converter,
    VirtualStaking,
    PriceFeed,
    /// Somebody else's contract, [`World::foreign`]. Of the suites that share this file only mesh_interchange has one.
    #[allow(dead_code)]
    Foreign,
}

/// Entry points of somebody else's contract.
#[derive(Clone, Copy)]
pub struct Foreign {
    pub execute: fn(DepsMut, Env, MessageInfo, &[u8]) -> Result<Response, String>,
    pub query: fn(Deps, &[u8]) -> Result<Binary, String>,
}

type Map = BTreeMap<Vec<u8>, Vec<u8>>;
/// Old values, so that a failure can be undone.
type Journal = Rc<RefCell<Vec<(usize, Vec<u8>, Option<Vec<u8>>)>>>;

/// One contract's storage.
#[derive(Clone)]
struct Store {
    number: usize,
    map: Rc<RefCell<Map>>,
    journal: Journal,
}

impl Store {
    fn put(&self, key: &[u8], value: Option<Vec<u8>>) {
        let mut map = self.map.borrow_mut();
        let old = match value {
            Some(value) => map.insert(key.to_vec(), value),
            None => map.remove(key),
        };
        self.journal.borrow_mut().push((self.number, key.to_vec(), old));
    }
}

impl Storage for Store {
    fn get(&self, key: &[u8]) -> Option<Vec<u8>> {
        self.map.borrow().get(key).cloned()
    }
    fn set(&mut self, key: &[u8], value: &[u8]) {
        self.put(key, Some(value.to_vec()));
    }
    fn remove(&mut self, key: &[u8]) {
        self.put(key, None);
    }
    fn range<'a>(
        &'a self,
        start: Option<&[u8]>,
        end: Option<&[u8]>,
        order: Order,
    ) -> Box<dyn Iterator<Item = Record> + 'a> {
        let (start, end) = (start.unwrap_or_default().to_vec(), end.map(<[u8]>::to_vec));
        if end.as_ref().is_some_and(|end| *end <= start) {
            return Box::new(std::iter::empty());
        }
        let map = self.map.borrow();
        let upto = match &end {
            Some(end) => std::ops::Bound::Excluded(end.clone()),
            None => std::ops::Bound::Unbounded,
        };
        let rows = map.range((std::ops::Bound::Included(start), upto));
        let mut rows: Vec<Record> = rows.map(|(k, v)| (k.clone(), v.clone())).collect();
        if order == Order::Descending {
            rows.reverse();
        }
        Box::new(rows.into_iter())
    }
}

/// A packet and how far it is.
#[derive(Clone)]
pub struct Packet {
    pub from: usize,
    pub to: usize,
    pub data: Binary,
    /// The acknowledgement, once it has been received.
    pub ack: Option<Binary>,
}

/// The world.
pub struct World {
    stores: RefCell<Vec<Store>>,
    kinds: RefCell<Vec<Kind>>,
    addresses: RefCell<Vec<Addr>>,
    numbers: RefCell<HashMap<String, usize>>,
    journal: Journal,
    /// Coins, delegations and rewards, in one more store.
    ledger: Store,
    pub packets: RefCell<Vec<Packet>>,
    /// The other end of a contract's channel.
    peers: RefCell<HashMap<usize, usize>>,
    pub env: RefCell<Env>,
    pub api: MockApi,
    /// External-staking contracts that refuse burns just now, by number.
    pub stubborn: Cell<Option<usize>>,
    /// Undelegations that fail just now.
    pub stuck: Cell<bool>,
    pub foreign: Cell<Option<Foreign>>,
}

type Done<T> = Result<T, String>;
const LEDGER: usize = usize::MAX;

fn text(e: impl ToString) -> String {
    e.to_string()
}

fn units(coin: &Coin) -> Done<u128> {
    Uint128::try_from(coin.amount).map(|a| a.u128()).map_err(text)
}

impl Default for World {
    fn default() -> Self {
        let journal = Journal::default();
        let ledger = Store { number: LEDGER, map: Rc::default(), journal: journal.clone() };
        let mut env = mock_env();
        env.block.time = cosmwasm_std::Timestamp::from_seconds(1_800_000_000);
        Self {
            stores: RefCell::default(),
            kinds: RefCell::default(),
            addresses: RefCell::default(),
            numbers: RefCell::default(),
            journal,
            ledger,
            packets: RefCell::default(),
            peers: RefCell::default(),
            env: RefCell::new(env),
            api: MockApi::default(),
            stubborn: Cell::new(None),
            stuck: Cell::new(false),
            foreign: Cell::new(None),
        }
    }
}

impl World {
    /// Another world that begins where this one is.
    pub fn copy(&self) -> Self {
        let journal = Journal::default();
        let copied = |s: &Store| Store {
            number: s.number,
            map: Rc::new(RefCell::new(s.map.borrow().clone())),
            journal: journal.clone(),
        };
        Self {
            stores: RefCell::new(self.stores.borrow().iter().map(copied).collect()),
            kinds: self.kinds.clone(),
            addresses: self.addresses.clone(),
            numbers: self.numbers.clone(),
            ledger: copied(&self.ledger),
            journal: journal.clone(),
            packets: self.packets.clone(),
            peers: self.peers.clone(),
            env: self.env.clone(),
            api: self.api,
            stubborn: Cell::new(None),
            stuck: Cell::new(false),
            foreign: self.foreign.clone(),
        }
    }

    pub fn address(&self, n: usize) -> Addr {
        self.addresses.borrow()[n].clone()
    }

    pub fn number(&self, address: &str) -> Option<usize> {
        self.numbers.borrow().get(address).copied()
    }

    fn kind(&self, n: usize) -> Kind {
        self.kinds.borrow()[n]
    }

    fn store(&self, n: usize) -> Store {
        self.stores.borrow()[n].clone()
    }

    pub fn now(&self) -> u64 {
        self.env.borrow().block.time.seconds()
    }

    pub fn advance(&self, seconds: u64) {
        let mut env = self.env.borrow_mut();
        env.block.time = env.block.time.plus_seconds(seconds);
        env.block.height += 1 + seconds / 6;
    }

    fn mark(&self) -> (usize, usize) {
        (self.journal.borrow().len(), self.packets.borrow().len())
    }

    fn undo(&self, (entries, packets): (usize, usize)) {
        self.packets.borrow_mut().truncate(packets);
        while self.journal.borrow().len() > entries {
            let (number, key, old) = self.journal.borrow_mut().pop().unwrap();
            let map = if number == LEDGER { self.ledger.map.clone() } else { self.store(number).map };
            let mut map = map.borrow_mut();
            match old {
                Some(old) => map.insert(key, old),
                None => map.remove(&key),
            };
        }
    }

    /// Runs something as a transaction of its own.
    fn transact<T>(&self, f: impl FnOnce() -> Done<T>) -> Done<T> {
        self.journal.borrow_mut().clear();
        let mark = self.mark();
        let done = f();
        if done.is_err() {
            self.undo(mark);
        }
        done
    }

    /// Makes a contract.
    pub fn instantiate<M: Serialize>(&self, kind: Kind, sender: &Addr, msg: &M) -> usize {
        let msg = to_json_binary(msg).unwrap();
        self.transact(|| self.create(kind, sender, &msg)).unwrap_or_else(|e| panic!("{kind:?}: {e}"))
    }

    fn create(&self, kind: Kind, sender: &Addr, msg: &[u8]) -> Done<usize> {
        let n = self.stores.borrow().len();
        let address = self.api.addr_make(&format!("contract-{n}"));
        let store = Store { number: n, map: Rc::default(), journal: self.journal.clone() };
        self.stores.borrow_mut().push(store);
        self.kinds.borrow_mut().push(kind);
        self.numbers.borrow_mut().insert(address.to_string(), n);
        self.addresses.borrow_mut().push(address);
        let info = MessageInfo { sender: sender.clone(), funds: vec![] };
        macro_rules! make {
            ($c:ident) => {
                self.run(n, |deps, env| lifted($c::instantiate(deps, env, info, parsed(msg)?)))
            };
        }
        match kind {
            Kind::BtcVault => make!(btc_vault),
            Kind::MeshVault => make!(mesh_vault),
            Kind::External => make!(external_staking),
            Kind::Converter => make!(converter),
            Kind::VirtualStaking => make!(virtual_staking),
            Kind::PriceFeed => make!(price_feed),
            Kind::Foreign => Ok(None),
        }?;
        Ok(n)
    }

    /// Calls a contract in a transaction.
    pub fn execute<M: Serialize>(
        &self,
        sender: &Addr,
        contract: usize,
        msg: &M,
        funds: u128,
        denom: &str,
    ) -> Done<()> {
        let msg = to_json_binary(msg).unwrap();
        let funds = if funds > 0 { vec![Coin::new(funds, denom)] } else { vec![] };
        self.transact(|| self.enter(sender, contract, &msg, funds))
    }

    fn enter(&self, sender: &Addr, n: usize, msg: &[u8], funds: Vec<Coin>) -> Done<()> {
        let burns = msg.starts_with(b"{\"burn_virtual_stake\"");
        if burns && self.stubborn.get() == Some(n) {
            return Err("burns are refused".into());
        }
        let to = self.address(n);
        for coin in &funds {
            self.pay(sender, &to, coin)?;
        }
        let info = MessageInfo { sender: sender.clone(), funds };
        macro_rules! call {
            ($c:ident) => {
                self.run(n, |deps, env| lifted($c::execute(deps, env, info, parsed(msg)?)))
            };
        }
        match self.kind(n) {
            Kind::BtcVault => call!(btc_vault),
            Kind::MeshVault => call!(mesh_vault),
            Kind::External => call!(external_staking),
            Kind::Converter => call!(converter),
            Kind::VirtualStaking => call!(virtual_staking),
            Kind::PriceFeed => call!(price_feed),
            Kind::Foreign => {
                let code = self.foreign.get().ok_or("no foreign code")?;
                self.run(n, |deps, env| (code.execute)(deps, env, info, msg))
            }
        }
        .map(drop)
    }

    fn reply(&self, n: usize, reply: Reply) -> Done<()> {
        macro_rules! call {
            ($c:ident) => {
                self.run(n, |deps, env| lifted($c::reply(deps, env, reply)))
            };
        }
        match self.kind(n) {
            Kind::BtcVault => call!(btc_vault),
            Kind::MeshVault => call!(mesh_vault),
            Kind::External => call!(external_staking),
            Kind::Converter => call!(converter),
            Kind::VirtualStaking => call!(virtual_staking),
            Kind::PriceFeed | Kind::Foreign => Err("no reply".into()),
        }
        .map(drop)
    }

    /// Runs an entry point and all it leads to; gives the response's data.
    pub fn run(&self, n: usize, f: impl FnOnce(DepsMut, Env) -> Done<Response>) -> Done<Option<Binary>> {
        let (mut store, asker) = (self.store(n), Asker(self));
        let mut env = self.env.borrow().clone();
        env.contract.address = self.address(n);
        let deps = DepsMut { storage: &mut store, api: &self.api, querier: QuerierWrapper::new(&asker) };
        let response = f(deps, env)?;
        for sub in response.messages {
            let mark = self.mark();
            let result = match self.dispatch(n, sub.msg) {
                Ok(events) =>
                {
                    #[allow(deprecated)]
                    SubMsgResult::Ok(SubMsgResponse { events, data: None, msg_responses: vec![] })
                }
                Err(e) => {
                    self.undo(mark);
                    SubMsgResult::Err(e)
                }
            };
            let wanted = match (&sub.reply_on, &result) {
                (ReplyOn::Always, _) => true,
                (ReplyOn::Success, SubMsgResult::Ok(_)) | (ReplyOn::Error, SubMsgResult::Err(_)) => true,
                (_, SubMsgResult::Err(e)) => return Err(e.clone()),
                _ => false,
            };
            if wanted {
                self.reply(n, Reply { id: sub.id, payload: sub.payload, gas_used: 0, result })?;
            }
        }
        Ok(response.data)
    }

    fn dispatch(&self, n: usize, msg: CosmosMsg) -> Done<Vec<Event>> {
        let sender = self.address(n);
        match msg {
            CosmosMsg::Wasm(WasmMsg::Execute { contract_addr, msg, funds }) => {
                let to = self.number(&contract_addr).ok_or("no such contract")?;
                self.enter(&sender, to, &msg, funds)?;
                Ok(vec![])
            }
            CosmosMsg::Wasm(WasmMsg::Instantiate { code_id: VIRTUAL, msg, .. }) => {
                let made = self.create(Kind::VirtualStaking, &sender, &msg)?;
                let address = self.address(made);
                Ok(vec![Event::new("instantiate").add_attribute("_contract_address", address)])
            }
            CosmosMsg::Bank(BankMsg::Send { to_address, amount }) => {
                let to = Addr::unchecked(to_address);
                amount.iter().try_for_each(|coin| self.pay(&sender, &to, coin))?;
                Ok(vec![])
            }
            CosmosMsg::Ibc(IbcMsg::SendPacket { data, .. }) => {
                let to = *self.peers.borrow().get(&n).ok_or("no channel")?;
                self.packets.borrow_mut().push(Packet { from: n, to, data, ack: None });
                Ok(vec![])
            }
            CosmosMsg::Staking(msg) => self.stake(&sender, msg).map(|()| vec![]),
            CosmosMsg::Distribution(DistributionMsg::WithdrawDelegatorReward { validator }) => {
                let key = format!("reward/{sender}/{validator}");
                let due = self.amount(&key);
                self.set_amount(&key, 0);
                self.mint(&sender, due, DENOM);
                Ok(vec![])
            }
            other => Err(format!("not played: {other:?}")),
        }
    }

    // Coins, delegations, rewards.

    fn amount(&self, key: &str) -> u128 {
        self.ledger.get(key.as_bytes()).map_or(0, |v| u128::from_be_bytes(v.try_into().unwrap()))
    }

    fn set_amount(&self, key: &str, amount: u128) {
        self.ledger.put(key.as_bytes(), Some(amount.to_be_bytes().to_vec()));
    }

    pub fn balance(&self, who: &Addr, denom: &str) -> u128 {
        self.amount(&format!("coin/{who}/{denom}"))
    }

    pub fn mint(&self, who: &Addr, amount: u128, denom: &str) {
        let held = self.balance(who, denom);
        self.set_amount(&format!("coin/{who}/{denom}"), held + amount);
    }

    fn pay(&self, from: &Addr, to: &Addr, coin: &Coin) -> Done<()> {
        let amount = units(coin)?;
        let held = self.balance(from, &coin.denom);
        let left = held.checked_sub(amount).ok_or_else(|| format!("{from} has {held}, not {amount}"))?;
        self.set_amount(&format!("coin/{from}/{}", coin.denom), left);
        self.mint(to, amount, &coin.denom);
        Ok(())
    }

    pub fn delegation(&self, who: &Addr, validator: &str) -> u128 {
        self.amount(&format!("stake/{who}/{validator}"))
    }

    fn stake(&self, who: &Addr, msg: StakingMsg) -> Done<()> {
        match msg {
            StakingMsg::Delegate { validator, amount } => {
                self.pay(who, &self.api.addr_make("bonded"), &amount)?;
                let new = self.delegation(who, &validator) + units(&amount)?;
                self.set_amount(&format!("stake/{who}/{validator}"), new);
            }
            StakingMsg::Undelegate { validator, amount } => {
                if self.stuck.get() {
                    return Err("too many unbonding delegation entries".into());
                }
                let (held, x) = (self.delegation(who, &validator), units(&amount)?);
                let left = held.checked_sub(x).ok_or("less is delegated")?;
                self.set_amount(&format!("stake/{who}/{validator}"), left);
                self.mint(who, x, DENOM);
            }
            other => return Err(format!("not played: {other:?}")),
        }
        Ok(())
    }

    /// Takes `per_mille` of what a delegator has with a validator.
    pub fn slash(&self, who: &Addr, validator: &str, per_mille: u128) {
        let held = self.delegation(who, validator);
        self.set_amount(&format!("stake/{who}/{validator}"), held - held * per_mille / 1000);
    }

    /// Lets rewards grow.
    pub fn reward(&self, who: &Addr, validator: &str, amount: u128) {
        let key = format!("reward/{who}/{validator}");
        self.set_amount(&key, self.amount(&key) + amount);
    }

    /// The names of all validators.
    pub fn validators() -> [&'static str; 2] {
        ["val-1", "val-2"]
    }

    // Questions.

    pub fn ask<M: Serialize, R: DeserializeOwned>(&self, n: usize, msg: &M) -> Result<R, String> {
        let answer = self.answer(n, &to_json_binary(msg).unwrap())?;
        from_json(answer).map_err(text)
    }

    fn answer(&self, n: usize, msg: &[u8]) -> Done<Binary> {
        let (store, asker) = (self.store(n), Asker(self));
        let mut env = self.env.borrow().clone();
        env.contract.address = self.address(n);
        let deps = Deps { storage: &store, api: &self.api, querier: QuerierWrapper::new(&asker) };
        macro_rules! query {
            ($c:ident) => {
                $c::query(deps, env, parsed(msg)?).map_err(text)
            };
        }
        match self.kind(n) {
            Kind::BtcVault => query!(btc_vault),
            Kind::MeshVault => query!(mesh_vault),
            Kind::External => query!(external_staking),
            Kind::Converter => query!(converter),
            Kind::VirtualStaking => query!(virtual_staking),
            Kind::PriceFeed => query!(price_feed),
            Kind::Foreign => (self.foreign.get().ok_or("no foreign code")?.query)(deps, msg),
        }
    }

    fn chain_answer(&self, request: &[u8]) -> Done<Binary> {
        match from_json::<QueryRequest<Empty>>(request).map_err(text)? {
            QueryRequest::Wasm(WasmQuery::Smart { contract_addr, msg }) => {
                self.answer(self.number(&contract_addr).ok_or("no such contract")?, &msg)
            }
            QueryRequest::Bank(BankQuery::Balance { address, denom }) => {
                let amount = Coin::new(self.balance(&Addr::unchecked(address), &denom), denom);
                to_json_binary(&serde_json::json!({ "amount": amount })).map_err(text)
            }
            QueryRequest::Staking(StakingQuery::BondedDenom {}) => {
                to_json_binary(&serde_json::json!({ "denom": DENOM })).map_err(text)
            }
            QueryRequest::Staking(StakingQuery::AllValidators {}) => {
                let one = |name: &str| serde_json::json!({ "address": name, "commission": "0.05", "max_commission": "1", "max_change_rate": "1" });
                let all: Vec<_> = Self::validators().into_iter().map(one).collect();
                to_json_binary(&serde_json::json!({ "validators": all })).map_err(text)
            }
            QueryRequest::Staking(StakingQuery::Delegation { delegator, validator }) => {
                let held = self.delegation(&Addr::unchecked(&delegator), &validator);
                let coin = Coin::new(held, DENOM);
                let full = (held > 0).then(|| {
                    serde_json::json!({ "delegator": delegator, "validator": validator, "amount": coin,
                        "can_redelegate": coin, "accumulated_rewards": [] })
                });
                to_json_binary(&serde_json::json!({ "delegation": full })).map_err(text)
            }
            other => Err(format!("not played: {other:?}")),
        }
    }
}

struct Asker<'a>(&'a World);

impl Querier for Asker<'_> {
    fn raw_query(&self, request: &[u8]) -> QuerierResult {
        match self.0.chain_answer(request) {
            Ok(answer) => SystemResult::Ok(ContractResult::Ok(answer)),
            Err(error) if error == "no such contract" => {
                SystemResult::Err(SystemError::NoSuchContract { addr: String::new() })
            }
            Err(error) => SystemResult::Ok(ContractResult::Err(error)),
        }
    }
}

fn parsed<M: DeserializeOwned>(msg: &[u8]) -> Done<M> {
    from_json(msg).map_err(text)
}

/// A response of any custom type as one without custom messages.
pub fn lifted<C, E: ToString>(response: Result<Response<C>, E>) -> Done<Response> {
    let response = response.map_err(text)?;
    let mut out = Response::new();
    for sub in response.messages {
        let msg = sub.msg.change_custom().ok_or("a custom message")?;
        let sub = cosmwasm_std::SubMsg {
            id: sub.id,
            payload: sub.payload,
            msg,
            gas_limit: sub.gas_limit,
            reply_on: sub.reply_on,
        };
        out = out.add_submessage(sub);
    }
    out.data = response.data;
    Ok(out)
}

mod ibc {
    use super::*;
    use cosmwasm_std::{
        IbcAcknowledgement, IbcBasicResponse, IbcChannel, IbcChannelConnectMsg, IbcChannelOpenMsg,
        IbcEndpoint, IbcOrder, IbcPacket, IbcPacketAckMsg, IbcPacketReceiveMsg, IbcPacketTimeoutMsg,
        Timestamp,
    };

    fn end(n: usize) -> IbcEndpoint {
        IbcEndpoint { port_id: format!("wasm.{n}"), channel_id: format!("channel-{n}") }
    }

    /// An IBC answer as a response, its acknowledgement as data.
    fn basic<E: ToString>(r: Result<IbcBasicResponse, E>) -> Done<Response> {
        Ok(Response::new().add_submessages(r.map_err(text)?.messages))
    }

    impl World {
        /// Opens the channel between a converter and its lien holder, connection `c`.
        pub fn connect(&self, converter: usize, external: usize, port: &str) {
            let ends = |a: usize, b: usize| {
                let ports = [(a, end(a)), (b, end(b))].map(|(n, e)| match n == converter {
                    true => IbcEndpoint { port_id: port.to_owned(), ..e },
                    false => e,
                });
                let [a, b] = ports;
                IbcChannel::new(a, b, IbcOrder::Unordered, "", "c")
            };
            let version = staking_api::mesh::packet::ChannelVersion::ours();
            let version = cosmwasm_std::to_json_string(&version).unwrap();
            self.peers.borrow_mut().extend([(converter, external), (external, converter)]);
            let at = |n: usize| (self.store(n), self.env.borrow().clone());
            let ((mut s, env), asker) = (at(external), Asker(self));
            let deps = DepsMut { storage: &mut s, api: &self.api, querier: QuerierWrapper::new(&asker) };
            let open = IbcChannelOpenMsg::new_try(ends(external, converter), &version);
            external_staking::ibc_channel_open(deps, env.clone(), open).unwrap();
            let ack = IbcChannelConnectMsg::new_ack(ends(converter, external), &version);
            let run = self.transact(|| {
                self.run(converter, |deps, env| basic(converter::ibc_channel_connect(deps, env, ack)))
            });
            run.unwrap();
            let confirm = IbcChannelConnectMsg::new_confirm(ends(external, converter));
            let run = self.transact(|| {
                self.run(external, |deps, env| {
                    basic(external_staking::ibc_channel_connect(deps, env, confirm))
                })
            });
            run.unwrap();
        }

        fn packet(&self, p: &Packet) -> IbcPacket {
            let far = Timestamp::from_seconds(self.now() + 600);
            IbcPacket::new(p.data.clone(), end(p.from), end(p.to), 1, far.into())
        }

        /// Brings a packet to its destination. An error of the contract is an error acknowledgement.
        pub fn receive(&self, i: usize) {
            let p = self.packets.borrow()[i].clone();
            let msg = IbcPacketReceiveMsg::new(self.packet(&p), Addr::unchecked("relayer"));
            let done = self.transact(|| {
                self.run(p.to, |deps, env| {
                    let r = match self.kind(p.to) {
                        Kind::Converter => converter::ibc_packet_receive(deps, env, msg).map_err(text)?,
                        _ => external_staking::ibc_packet_receive(deps, env, msg).map_err(text)?,
                    };
                    let mut response = Response::new().add_submessages(r.messages);
                    response.data = r.acknowledgement;
                    Ok(response)
                })
            });
            let ack = match done {
                Ok(ack) => ack.unwrap_or_default(),
                Err(e) => panic!("receiving {}: {e}", String::from_utf8_lossy(&p.data)),
            };
            self.packets.borrow_mut()[i].ack = Some(ack);
        }

        /// Brings an acknowledgement back.
        ///
        /// # Errors
        /// What no handler of an acknowledgement may have.
        pub fn acknowledge(&self, i: usize) -> Done<()> {
            let p = self.packets.borrow_mut().remove(i);
            let ack = IbcAcknowledgement::new(p.ack.clone().expect("received"));
            let msg = IbcPacketAckMsg::new(ack, self.packet(&p), Addr::unchecked("relayer"));
            self.transact(|| {
                self.run(p.from, |deps, env| match self.kind(p.from) {
                    Kind::Converter => basic(converter::ibc_packet_ack(deps, env, msg)),
                    _ => basic(external_staking::ibc_packet_ack(deps, env, msg)),
                })
            })
            .map(drop)
        }

        /// Tells a packet's sender that it will never arrive.
        ///
        /// # Errors
        /// What no handler of a timeout may have.
        pub fn time_out(&self, i: usize) -> Done<()> {
            let p = self.packets.borrow_mut().remove(i);
            let msg = IbcPacketTimeoutMsg::new(self.packet(&p), Addr::unchecked("relayer"));
            self.transact(|| {
                self.run(p.from, |deps, env| match self.kind(p.from) {
                    Kind::Converter => basic(converter::ibc_packet_timeout(deps, env, msg)),
                    _ => basic(external_staking::ibc_packet_timeout(deps, env, msg)),
                })
            })
            .map(drop)
        }
    }
}
