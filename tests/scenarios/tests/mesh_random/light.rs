//! A light chain for many short lives of the mesh's contracts: their code, native or wasm, on maps in memory.
//!
//! It does what a chain does for them and no more: storage that a failure rolls back, sub-messages and replies, coins,
//! a few validators, packets kept in a list. Both sides of every pairing live in one world, which no contract notices.

use cosmwasm_std::testing::{MockApi, mock_env};
use cosmwasm_std::{
    Addr, BankMsg, BankQuery, Binary, Coin, ContractResult, CosmosMsg, Deps, DepsMut, DistributionMsg, Empty,
    Env, Event, IbcMsg, MessageInfo, Order, Querier, QuerierResult, QuerierWrapper, QueryRequest, Record,
    Reply, ReplyOn, StakingMsg, StakingQuery, Storage, SubMsgResponse, SubMsgResult, SystemError,
    SystemResult, Uint128, WasmMsg, WasmQuery, from_json, to_json_binary,
};
use mesh_harness::chain::{CallError, ChainMsg, Code, Engine, Entry, IbcEntry, records};
use mesh_harness::native_contract;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, HashMap};
use std::rc::Rc;
use std::sync::Arc;

/// The staking token of every consumer.
pub const DENOM: &str = "ucons";
/// Prefix of addresses.
pub const PREFIX: &str = "cosmwasm";
/// Code id of virtual-staking.
pub const VIRTUAL: u64 = 1;

/// What runs at an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    BtcVault,
    MeshVault,
    External,
    Converter,
    VirtualStaking,
    PriceFeed,
    /// Somebody else's contract, see [`World::add_foreign`].
    Foreign,
}

/// A contract's storage.
pub type Map = BTreeMap<Vec<u8>, Vec<u8>>;
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
        let rows: Vec<Record> = records(&self.map.borrow(), start, end, order).collect();
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
    on: Engine,
    codes: RefCell<HashMap<Kind, Arc<dyn Code>>>,
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
}

type Done<T> = Result<T, String>;
const LEDGER: usize = usize::MAX;

fn text(e: impl ToString) -> String {
    e.to_string()
}

fn units(coin: &Coin) -> Done<u128> {
    Uint128::try_from(coin.amount).map(|a| a.u128()).map_err(text)
}

impl World {
    /// An empty world; `on` runs its contracts.
    pub fn new(on: Engine) -> Self {
        let journal = Journal::default();
        let ledger = Store { number: LEDGER, map: Rc::default(), journal: journal.clone() };
        let mut env = mock_env();
        env.block.time = cosmwasm_std::Timestamp::from_seconds(1_800_000_000);
        Self {
            on,
            codes: RefCell::default(),
            stores: RefCell::default(),
            kinds: RefCell::default(),
            addresses: RefCell::default(),
            numbers: RefCell::default(),
            journal,
            ledger,
            packets: RefCell::default(),
            peers: RefCell::default(),
            env: RefCell::new(env),
            api: MockApi::default().with_prefix(PREFIX),
            stubborn: Cell::new(None),
            stuck: Cell::new(false),
        }
    }

    /// Another world that begins where this one is.
    pub fn copy(&self) -> Self {
        let journal = Journal::default();
        let copied = |s: &Store| Store {
            number: s.number,
            map: Rc::new(RefCell::new(s.map.borrow().clone())),
            journal: journal.clone(),
        };
        Self {
            on: self.on,
            codes: self.codes.clone(),
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
        }
    }

    /// Gives somebody else's contract its code. Of the suites that share this file only mesh_interchange has one.
    #[allow(dead_code)]
    pub fn add_foreign(&self, code: Arc<dyn Code>) {
        self.codes.borrow_mut().insert(Kind::Foreign, code);
    }

    /// The code of the `n`-th contract, loaded once.
    fn code(&self, n: usize) -> Arc<dyn Code> {
        let kind = self.kind(n);
        let load = || {
            let (name, native) = match kind {
                Kind::BtcVault => ("btc-vault", native_contract!(btc_vault, reply)),
                Kind::MeshVault => ("mesh-vault", native_contract!(mesh_vault, reply)),
                Kind::External => ("external-staking", native_contract!(external_staking, reply, ibc)),
                Kind::Converter => ("converter", native_contract!(converter, reply, ibc)),
                Kind::VirtualStaking => ("virtual-staking", native_contract!(virtual_staking, reply)),
                Kind::PriceFeed => ("price-feed", native_contract!(price_feed)),
                Kind::Foreign => panic!("no foreign code"),
            };
            self.on.load(name, native, PREFIX).unwrap_or_else(|e| panic!("{e}"))
        };
        self.codes.borrow_mut().entry(kind).or_insert_with(load).clone()
    }

    /// Every contract's storage, and the ledger of coins and stakes. Only mesh_random compares them.
    #[allow(dead_code)]
    pub fn books(&self) -> Vec<Map> {
        let stores = self.stores.borrow();
        stores.iter().chain([&self.ledger]).map(|s| s.map.borrow().clone()).collect()
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
        self.run(n, Entry::Instantiate(info, msg.to_vec()))?;
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
        self.run(n, Entry::Execute(info, msg.to_vec())).map(drop)
    }

    /// Runs an entry point and all it leads to; gives the response's data.
    fn run(&self, n: usize, entry: Entry) -> Done<Option<Binary>> {
        let (mut store, asker) = (self.store(n), Asker(self));
        let mut env = self.env.borrow().clone();
        env.contract.address = self.address(n);
        let deps = DepsMut { storage: &mut store, api: &self.api, querier: QuerierWrapper::new(&asker) };
        let (response, _) = self.code(n).call(entry, deps, env).map_err(refusal)?;
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
                let reply = Reply { id: sub.id, payload: sub.payload, gas_used: 0, result };
                self.run(n, Entry::Reply(reply))?;
            }
        }
        Ok(response.data)
    }

    fn dispatch(&self, n: usize, msg: CosmosMsg<ChainMsg>) -> Done<Vec<Event>> {
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
        self.code(n).query(deps, env, msg.to_vec()).map(|(answer, _)| answer).map_err(refusal)
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

/// What a contract refuses is an answer; that it stops without one must not happen.
fn refusal(e: CallError) -> String {
    assert!(!e.aborted, "a contract stopped: {}", e.text);
    e.text
}

mod ibc {
    use super::*;
    use cosmwasm_std::{
        IbcAcknowledgement, IbcChannel, IbcChannelConnectMsg, IbcChannelOpenMsg, IbcEndpoint, IbcOrder,
        IbcPacket, IbcPacketAckMsg, IbcPacketReceiveMsg, IbcPacketTimeoutMsg, Timestamp,
    };

    fn end(n: usize) -> IbcEndpoint {
        IbcEndpoint { port_id: format!("wasm.{n}"), channel_id: format!("channel-{n}") }
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
            let open = IbcChannelOpenMsg::new_try(ends(external, converter), &version);
            let ack = IbcChannelConnectMsg::new_ack(ends(converter, external), &version);
            let confirm = IbcChannelConnectMsg::new_confirm(ends(external, converter));
            for (n, entry) in [
                (external, IbcEntry::ChannelOpen(open)),
                (converter, IbcEntry::ChannelConnect(ack)),
                (external, IbcEntry::ChannelConnect(confirm)),
            ] {
                self.answered(n, entry).unwrap();
            }
        }

        /// Runs an IBC entry point as a transaction.
        fn answered(&self, n: usize, entry: IbcEntry) -> Done<Option<Binary>> {
            self.transact(|| self.run(n, Entry::Ibc(entry)))
        }

        fn packet(&self, p: &Packet) -> IbcPacket {
            let far = Timestamp::from_seconds(self.now() + 600);
            IbcPacket::new(p.data.clone(), end(p.from), end(p.to), 1, far.into())
        }

        /// Brings a packet to its destination. An error of the contract is an error acknowledgement.
        pub fn receive(&self, i: usize) {
            let p = self.packets.borrow()[i].clone();
            let msg = IbcPacketReceiveMsg::new(self.packet(&p), Addr::unchecked("relayer"));
            let done = self.answered(p.to, IbcEntry::PacketReceive(msg));
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
            self.answered(p.from, IbcEntry::PacketAck(msg)).map(drop)
        }

        /// Tells a packet's sender that it will never arrive.
        ///
        /// # Errors
        /// What no handler of a timeout may have.
        pub fn time_out(&self, i: usize) -> Done<()> {
            let p = self.packets.borrow_mut().remove(i);
            let msg = IbcPacketTimeoutMsg::new(self.packet(&p), Addr::unchecked("relayer"));
            self.answered(p.from, IbcEntry::PacketTimeout(msg)).map(drop)
        }
    }
}
