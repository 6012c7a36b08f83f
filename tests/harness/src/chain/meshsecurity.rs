//! x/meshsecurity as contracts meet it: the Go module of a consumer chain, played for tests (mesh-security.md §11.1).
//!
//! Governance authorises a contract by a cap. The contract mints and delegates virtual tokens within it, takes them
//! back at once, and has books per delegator kept here. At the end of a block the module tells contracts by `sudo`
//! what happened to validators, then runs the epochs that are due.
//!
//! What upstream's module does oddly is done here too, because contracts meet it in the field: the infraction's height
//! and the power change places and its time is 0 (probe G1), a delegation that is not there cannot be asked for (G2),
//! delegators of another chain's prefix are refused (G3), a failed `sudo` is dropped (14-C9), contracts with a cap of
//! zero hear of nothing (14-C11), a slash does not lower `delegated` (14-C12). Vesting, genesis and gas are not played.

use super::custom::{CustomModule, Modules};
use super::error::{ChainError, TxError};
use super::state::ChainState;
use super::{Chain, abci, staking};
use cosmwasm_std::{
    Addr, BankMsg, Binary, BlockInfo, Coin, Decimal256, DelegationResponse, Event, Order, Querier,
    QueryRequest, StakingMsg, StakingQuery, StdError, StdResult, Storage, Uint128, Uint256, from_json,
    to_json_binary, to_json_vec,
};
use cw_multi_test::{CosmosRouter, StakingSudo, SudoMsg};
use cw_storage_plus::{Item, Map};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use staking_api::mesh::converter::Validator;
use staking_api::mesh::virtual_staking::{
    AllDelegationsResponse, BondStatusResponse, CustomMsg, CustomQuery, Delegation, SlashRatioResponse,
    SudoMsg as ContractSudo, TotalDelegationResponse, ValidatorSlashInfo, VirtualStakeMsg, VirtualStakeQuery,
};
use staking_api::mesh::{self as api, Decimal};

/// A cap makes a contract one that may use the module, also a cap of zero.
const CAPS: Map<&str, u128> = Map::new("meshsecurity/cap");
const DELEGATED: Map<&str, u128> = Map::new("meshsecurity/delegated");
/// By contract, validator and delegator.
const BOOK: Map<(&str, &str, &str), u128> = Map::new("meshsecurity/book");
/// Height of the next epoch, by contract.
const TASKS: Map<&str, u64> = Map::new("meshsecurity/task");
const NEWS: Item<News> = Item::new("meshsecurity/news");
/// Where the staking keeper keeps what is unbonding.
const UNBONDING_QUEUE: &[u8] = b"\x00\x07stakingunbonding_queue";
/// The staking keeper's account.
const STAKING_ACCOUNT: &str = "staking_module";

/// What happened to validators in this block.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct News {
    additions: Vec<Validator>,
    removals: Vec<String>,
    jailed: Vec<String>,
    tombstoned: Vec<String>,
    slashed: Vec<Slashed>,
}

/// A slash, and what of it fell on each contract.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Slashed {
    info: ValidatorSlashInfo,
    shares: Vec<(String, u128)>,
}

/// What a validator did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FaultKind {
    /// Was away: jailed.
    Downtime,
    /// Signed two blocks at one height: jailed for ever.
    DoubleSign,
}

/// A fault that x/slashing or x/evidence has found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fault {
    /// What it was.
    pub kind: FaultKind,
    /// Share of the validator's tokens that is slashed, in percent.
    pub percent: u64,
    /// Height of the infraction.
    pub height: u64,
}

/// The module; give it to [`ChainConfig::custom`](super::ChainConfig::custom).
#[derive(Clone, Debug)]
pub struct MeshSecurity {
    prefix: String,
    denom: String,
    epoch_length: u64,
}

impl MeshSecurity {
    /// The module of a chain, with an epoch every so many blocks (upstream: 1 000).
    pub fn new(prefix: &str, denom: &str, epoch_length: u64) -> Self {
        Self { prefix: prefix.to_owned(), denom: denom.to_owned(), epoch_length: epoch_length.max(1) }
    }

    fn amount(&self, coin: &api::Coin) -> StdResult<u128> {
        match coin.denom == self.denom {
            true => Ok(coin.amount.0),
            false => Err(StdError::msg(format!("invalid denom {}, expected {}", coin.denom, self.denom))),
        }
    }

    fn coin(&self, amount: u128) -> Coin {
        Coin::new(amount, &self.denom)
    }

    fn wire_coin(&self, amount: u128) -> api::Coin {
        api::Coin { denom: self.denom.clone(), amount: api::Uint128(amount) }
    }

    /// Mints, within the cap, and delegates.
    fn bond(
        &self,
        s: &mut dyn Storage,
        who: &Addr,
        amount: u128,
        validator: String,
        modules: &Modules<'_>,
    ) -> StdResult<Vec<Event>> {
        let cap = CAPS.load(s, who.as_str())?;
        let total = DELEGATED.may_load(s, who.as_str())?.unwrap_or_default().saturating_add(amount);
        if total > cap {
            return Err(StdError::msg(format!("{total} exceeds the max cap of {cap}")));
        }
        DELEGATED.save(s, who.as_str(), &total)?;
        (modules.mint)(s, who.as_str(), self.coin(amount))?;
        let delegate = StakingMsg::Delegate { validator, amount: self.coin(amount) };
        Ok((modules.execute)(s, who.clone(), delegate.into())?.events)
    }

    /// Undelegates without waiting, and burns.
    fn unbond(
        &self,
        s: &mut dyn Storage,
        who: &Addr,
        amount: u128,
        validator: String,
        modules: &Modules<'_>,
    ) -> StdResult<Vec<Event>> {
        let total = DELEGATED.may_load(s, who.as_str())?.unwrap_or_default();
        DELEGATED.save(s, who.as_str(), &total.saturating_sub(amount))?;
        let undelegate = StakingMsg::Undelegate { validator, amount: self.coin(amount) };
        let events = (modules.execute)(s, who.clone(), undelegate.into())?.events;
        forget_last_unbonding(s)?;
        let burn = BankMsg::Burn { amount: vec![self.coin(amount)] };
        (modules.execute)(s, Addr::unchecked(STAKING_ACCOUNT), burn.into())?;
        Ok(events)
    }

    fn book(
        &self,
        s: &mut dyn Storage,
        (who, validator, delegator): (&str, &str, &str),
        amount: u128,
        is_deduct: bool,
    ) -> StdResult<()> {
        if !delegator.starts_with(&format!("{}1", self.prefix)) {
            let got = delegator.split('1').next().unwrap_or_default();
            let text = format!("invalid Bech32 prefix; expected {}, got {got}", self.prefix);
            return Err(StdError::msg(text));
        }
        let key = (who, validator, delegator);
        let old = BOOK.may_load(s, key)?.unwrap_or_default();
        let new = if is_deduct { old.checked_sub(amount) } else { old.checked_add(amount) };
        match new {
            Some(0) => BOOK.remove(s, key),
            Some(new) => BOOK.save(s, key, &new)?,
            None => return Err(StdError::msg(format!("delegation of {old} is less than {amount}"))),
        }
        Ok(())
    }

    fn delegations(&self, s: &dyn Storage, contract: &str, most: u32) -> StdResult<AllDelegationsResponse> {
        let rows = BOOK.sub_prefix(contract).range(s, None, None, Order::Ascending);
        let one = |row: StdResult<((String, String), u128)>| {
            row.map(|((validator, delegator), amount)| Delegation {
                delegator,
                validator,
                amount: api::Uint128(amount),
            })
        };
        let most = usize::try_from(most).unwrap_or(usize::MAX);
        Ok(AllDelegationsResponse { delegations: rows.take(most).map(one).collect::<StdResult<_>>()? })
    }

    fn total(
        &self,
        querier: &dyn Querier,
        contract: String,
        validator: String,
    ) -> StdResult<TotalDelegationResponse> {
        let ask = StakingQuery::Delegation { delegator: contract, validator };
        let found: DelegationResponse = asked(querier, &QueryRequest::Staking(ask))?;
        let nil = || StdError::msg("runtime error: invalid memory address or nil pointer dereference");
        let amount = found.delegation.ok_or_else(nil)?.amount.amount;
        let amount = Uint128::try_from(amount)?.u128();
        Ok(TotalDelegationResponse { delegation: self.wire_coin(amount) })
    }
}

/// Asks another module.
fn asked<R: DeserializeOwned>(querier: &dyn Querier, request: &QueryRequest) -> StdResult<R> {
    let answer = querier.raw_query(&to_json_vec(request)?).into_result();
    let answer = answer.map_err(|e| StdError::msg(e.to_string()))?.into_result().map_err(StdError::msg)?;
    from_json(&answer)
}

/// What was undelegated last does not wait.
fn forget_last_unbonding(s: &mut dyn Storage) -> StdResult<()> {
    let Some(queue) = s.get(UNBONDING_QUEUE) else { return Ok(()) };
    let mut queue: Vec<serde_json::Value> = from_json(&queue)?;
    queue.pop();
    s.set(UNBONDING_QUEUE, &to_json_vec(&queue)?);
    Ok(())
}

impl CustomModule for MeshSecurity {
    fn execute(
        &self,
        s: &mut dyn Storage,
        _block: &BlockInfo,
        sender: &Addr,
        msg: serde_json::Value,
        modules: &Modules<'_>,
    ) -> StdResult<Vec<Event>> {
        let CustomMsg::VirtualStake(msg) = from_value(msg)? else {
            return Err(StdError::msg("x/meshsecurityprovider is not of this chain"));
        };
        if !CAPS.has(s, sender.as_str()) {
            return Err(StdError::msg(format!("unauthorized: {sender} has no cap")));
        }
        match msg {
            VirtualStakeMsg::Bond { amount, validator } => {
                self.bond(s, sender, self.amount(&amount)?, validator, modules)
            }
            VirtualStakeMsg::Unbond { amount, validator } => {
                self.unbond(s, sender, self.amount(&amount)?, validator, modules)
            }
            VirtualStakeMsg::UpdateDelegation { amount, is_deduct, delegator, validator } => {
                let key = (sender.as_str(), validator.as_str(), delegator.as_str());
                self.book(s, key, self.amount(&amount)?, is_deduct)?;
                Ok(vec![])
            }
            VirtualStakeMsg::DeleteAllScheduledTasks {} => {
                TASKS.remove(s, sender.as_str());
                Ok(vec![])
            }
        }
    }

    fn query(
        &self,
        s: &dyn Storage,
        querier: &dyn Querier,
        _block: &BlockInfo,
        request: serde_json::Value,
    ) -> StdResult<Binary> {
        let CustomQuery::VirtualStake(request) = from_value(request)?;
        match request {
            VirtualStakeQuery::BondStatus { contract } => {
                let cap = CAPS.may_load(s, &contract)?.unwrap_or_default();
                let delegated = DELEGATED.may_load(s, &contract)?.unwrap_or_default();
                let (cap, delegated) = (self.wire_coin(cap), self.wire_coin(delegated));
                to_json_binary(&BondStatusResponse { cap, delegated })
            }
            VirtualStakeQuery::SlashRatio {} => to_json_binary(&SlashRatioResponse {
                slash_fraction_downtime: "0.010000000000000000".to_owned(),
                slash_fraction_double_sign: "0.050000000000000000".to_owned(),
            }),
            VirtualStakeQuery::TotalDelegation { contract, validator } => {
                to_json_binary(&self.total(querier, contract, validator)?)
            }
            VirtualStakeQuery::AllDelegations { contract, max_retrieve } => {
                to_json_binary(&self.delegations(s, &contract, max_retrieve)?)
            }
        }
    }

    fn end_block(&self, s: &mut dyn Storage, block: &BlockInfo) -> StdResult<Vec<(String, Vec<u8>)>> {
        let news = NEWS.may_load(s)?.unwrap_or_default();
        NEWS.remove(s);
        let mut calls = Vec::new();
        let caps = CAPS.range(s, None, None, Order::Ascending).collect::<StdResult<Vec<_>>>()?;
        for (contract, _) in caps.iter().filter(|(_, cap)| *cap > 0) {
            if let Some(report) = report(&news, contract) {
                calls.push((contract.clone(), to_json_vec(&report)?));
            }
        }
        let tasks = TASKS.range(s, None, None, Order::Ascending).collect::<StdResult<Vec<_>>>()?;
        for (contract, _) in tasks.into_iter().filter(|(_, at)| *at <= block.height) {
            TASKS.save(s, &contract, &block.height.saturating_add(self.epoch_length))?;
            calls.push((contract, to_json_vec(&ContractSudo::HandleEpoch {})?));
        }
        Ok(calls)
    }
}

fn from_value<T: DeserializeOwned>(value: serde_json::Value) -> StdResult<T> {
    serde_json::from_value(value).map_err(|e| StdError::msg(e.to_string()))
}

/// What a contract hears of the block, if there is anything.
fn report(news: &News, contract: &str) -> Option<ContractSudo> {
    let mut slashed = Vec::new();
    for s in &news.slashed {
        if let Some((_, share)) = s.shares.iter().find(|(c, share)| c == contract && *share > 0) {
            slashed.push(ValidatorSlashInfo { slash_amount: api::Uint128(*share), ..s.info.clone() });
        }
    }
    let some = |v: &Vec<String>| (!v.is_empty()).then(|| v.clone());
    let quiet = news.additions.is_empty()
        && news.removals.is_empty()
        && news.jailed.is_empty()
        && news.tombstoned.is_empty();
    if quiet && slashed.is_empty() {
        return None;
    }
    Some(ContractSudo::HandleValsetUpdate {
        additions: (!news.additions.is_empty()).then(|| news.additions.clone()),
        removals: some(&news.removals),
        updated: None,
        jailed: some(&news.jailed),
        unjailed: None,
        tombstoned: some(&news.tombstoned),
        slashed: (!slashed.is_empty()).then_some(slashed),
    })
}

/// Half up, as the SDK's decimals.
fn share(total: u128, part: u128, of: u128) -> u128 {
    let product = Uint256::from(total) * Uint256::from(part) + Uint256::from(of / 2);
    product.checked_div(of.into()).ok().and_then(|q| Uint128::try_from(q).ok()).map_or(0, |q| q.u128())
}

fn failed(e: StdError) -> TxError {
    TxError::sdk(18, e.to_string())
}

fn tokens(state: &ChainState, operator: &str) -> Result<u128, TxError> {
    let all = staking::validators(state).map_err(failed)?;
    let found = all.into_iter().find(|v| v.operator == operator);
    found.map(|v| v.tokens).ok_or_else(|| TxError::sdk(3, format!("no validator {operator}")))
}

/// What each contract has with a validator.
fn delegated(state: &ChainState, operator: &str) -> Result<Vec<(String, u128)>, TxError> {
    let caps: StdResult<Vec<_>> = CAPS.range(state.app.storage(), None, None, Order::Ascending).collect();
    let mut all = Vec::new();
    for (contract, _) in caps.map_err(failed)? {
        let amount = abci::delegated(state, &contract, operator)?.map(|c| c.amount).unwrap_or_default();
        all.push((contract, Uint128::try_from(amount).map_err(|e| failed(e.into()))?.u128()));
    }
    Ok(all)
}

/// Slashes by consensus power, as x/slashing does, jails, and leaves the news for the end of the block.
fn punish(state: &mut ChainState, operator: &str, fault: Fault) -> Result<(), TxError> {
    let before = tokens(state, operator)?;
    let power = before / state.config.power_reduction.max(1);
    let cut = power.saturating_mul(state.config.power_reduction).saturating_mul(fault.percent.into()) / 100;
    let parts = delegated(state, operator)?;
    let shares = parts.into_iter().map(|(c, x)| (c, share(cut, x, before))).collect();
    let block = state.app.block_info();
    let power = u64::try_from(power).unwrap_or(u64::MAX);
    let info = ValidatorSlashInfo {
        address: operator.to_owned(),
        height: block.height.saturating_add(1),
        time: block.time.seconds(),
        // G1: the two have changed places.
        infraction_height: power,
        power: fault.height,
        infraction_time: 0,
        slash_amount: api::Uint128(0),
        slash_ratio: format!("{}", Decimal::percent(fault.percent)),
        is_tombstoned: fault.kind == FaultKind::DoubleSign,
    };
    let note = serde_json::json!({ "slash": operator, "percent": fault.percent });
    let percentage = Decimal256::checked_from_ratio(cut, before).map_err(|e| failed(StdError::msg(e)))?;
    let slash = StakingSudo::Slash { validator: operator.to_owned(), percentage };
    let ran = state.internal("/mesh.harness.v1.Punish", &note, |stage| {
        stage.router.sudo(stage.api, stage.storage, stage.block, SudoMsg::Staking(slash))?;
        let mut news = NEWS.may_load(stage.storage)?.unwrap_or_default();
        news.slashed.push(Slashed { info, shares });
        match fault.kind {
            FaultKind::Downtime => news.jailed.push(operator.to_owned()),
            FaultKind::DoubleSign => news.tombstoned.push(operator.to_owned()),
        }
        news.removals.push(operator.to_owned());
        NEWS.save(stage.storage, &news)?;
        Ok(((), vec![]))
    });
    ran.map(drop)
}

fn unjail(state: &mut ChainState, operator: &str) -> Result<(), TxError> {
    let validator = Validator {
        address: operator.to_owned(),
        commission: Decimal::percent(5),
        max_commission: Decimal::ONE,
        max_change_rate: Decimal::ONE,
    };
    let note = serde_json::json!({ "unjail": operator });
    let ran = state.internal("/mesh.harness.v1.Unjail", &note, |stage| {
        let mut news = NEWS.may_load(stage.storage)?.unwrap_or_default();
        news.additions.push(validator);
        NEWS.save(stage.storage, &news)?;
        Ok(((), vec![]))
    });
    ran.map(drop)
}

impl Chain {
    /// Governance lets a contract mint up to `cap` virtual tokens, and schedules its epochs where there are none.
    ///
    /// # Errors
    /// [`ChainError::Stopped`].
    pub fn set_virtual_cap(&self, contract: &str, cap: u128) -> Result<(), ChainError> {
        let contract = contract.to_owned();
        self.try_with(move |s| {
            let note = serde_json::json!({ "max_cap": contract, "amount": cap.to_string() });
            let ran = s.internal("/mesh.harness.v1.SetVirtualStakingMaxCap", &note, |stage| {
                if !TASKS.has(stage.storage, &contract) {
                    TASKS.save(stage.storage, &contract, &stage.block.height.saturating_add(1))?;
                }
                CAPS.save(stage.storage, &contract, &cap)?;
                Ok(((), vec![]))
            });
            ran.map(drop)
        })
    }

    /// Punishes a validator as x/slashing and x/evidence would, with x/meshsecurity listening.
    ///
    /// # Errors
    /// [`ChainError::Refused`] when there is no such validator.
    pub fn punish(&self, operator: &str, fault: Fault) -> Result<(), ChainError> {
        let operator = operator.to_owned();
        self.try_with(move |s| punish(s, &operator, fault))
    }

    /// Lets a jailed validator back into the set.
    ///
    /// # Errors
    /// [`ChainError::Stopped`].
    pub fn unjail(&self, operator: &str) -> Result<(), ChainError> {
        let operator = operator.to_owned();
        self.try_with(move |s| unjail(s, &operator))
    }

    /// Calls of the chain's module into contracts that failed so far, with the contracts' texts.
    ///
    /// # Errors
    /// [`ChainError::Stopped`].
    pub fn module_failures(&self) -> Result<Vec<String>, ChainError> {
        self.with(|s| s.module_failures.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Scenario S8: 6.8 million slashed of a validator with 68.5 million, 67.5 million of them virtual.
    #[test]
    fn a_share_is_rounded_half_up() {
        assert_eq!(share(6_800_000, 67_500_000, 68_500_000), 6_700_730);
        assert_eq!(share(1, 1, 2), 1);
        assert_eq!(share(1, 1, 3), 0);
        assert_eq!(share(1, 1, 0), 0);
    }
}
