//! Validators of a chain: made at genesis, their tokens read back from the staking keeper's own records.

use super::account::DevAccount;
use super::api::to_bech32;
use super::state::{ChainState, ensure_account};
use bitcoin_hashes::{Hash as _, sha256};
use cosmrs::tendermint::private_key::{Ed25519, PrivateKey};
use cosmrs::tendermint::{PublicKey, validator, vote};
use cosmwasm_std::{
    Addr, Coin, CosmosMsg, Decimal, Decimal256, StakingMsg, StdError, StdResult, Storage, Uint256, Validator,
};
use cw_multi_test::{CosmosRouter, StakingInfo};
use cw_storage_plus::Map;
use serde::{Deserialize, Serialize};

/// The staking keeper's record of a validator, as far as it is read here.
#[derive(Serialize, Deserialize)]
struct Record {
    stake: Uint256,
}

/// A validator as the chain's staking sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ValidatorView {
    /// Operator address, `…valoper1…`.
    pub operator: String,
    /// Its name.
    pub moniker: String,
    /// Tokens bonded to it, base units.
    pub tokens: u128,
    /// Consensus power: tokens divided by the chain's power reduction.
    pub power: u64,
    /// Ed25519 consensus key.
    pub consensus_key: Vec<u8>,
    /// Commission in percent.
    pub commission_percent: u64,
}

fn name(state: &ChainState, moniker: &str) -> String {
    format!("{}/{moniker}", state.config.chain_id)
}

fn operator_account(state: &ChainState, moniker: &str) -> DevAccount {
    DevAccount::from_seed(0, &name(state, moniker))
}

fn operator(state: &ChainState, moniker: &str) -> StdResult<String> {
    let prefix = format!("{}valoper", state.config.prefix);
    to_bech32(&prefix, &operator_account(state, moniker).address_bytes()).map_err(StdError::msg)
}

fn consensus_key(state: &ChainState, moniker: &str) -> Option<PublicKey> {
    let seed = sha256::Hash::hash(format!("consensus/{}", name(state, moniker)).as_bytes());
    let key = Ed25519::try_from(&seed.as_byte_array()[..]).ok()?;
    Some(PrivateKey::Ed25519(key).public_key())
}

/// Funds the accounts, sets staking up and bonds the validators.
pub(crate) fn genesis(state: &mut ChainState) -> StdResult<()> {
    if state.config.validators.is_empty() {
        return Err(StdError::msg("a chain needs a validator"));
    }
    for genesis in state.config.accounts.clone() {
        let address = cosmwasm_std::Api::addr_validate(&state.api, &genesis.address)?;
        state.app.init_modules(|router, _, storage| {
            router.bank.init_balance(storage, &address, genesis.coins)?;
            ensure_account(storage, address.as_str())
        })?;
    }
    let info = StakingInfo {
        bonded_denom: state.config.denom.clone(),
        unbonding_time: state.config.unbonding.as_secs(),
        apr: Decimal256::percent(state.config.rewards_percent),
    };
    state.app.init_modules(|router, _, storage| router.staking.setup(storage, info))?;
    for genesis in state.config.validators.clone() {
        let percent = Decimal::percent(genesis.commission_percent);
        let valoper = operator(state, &genesis.moniker)?;
        let account =
            to_bech32(&state.config.prefix, &operator_account(state, &genesis.moniker).address_bytes())
                .map_err(StdError::msg)?;
        add(state, valoper, Addr::unchecked(account), percent, genesis.self_bond)?;
    }
    Ok(())
}

fn add(
    state: &mut ChainState,
    valoper: String,
    account: Addr,
    commission: Decimal,
    bond: u128,
) -> StdResult<()> {
    let block = state.app.block_info();
    let amount = Coin::new(bond, &state.config.denom);
    let validator = Validator::create(valoper.clone(), commission, Decimal::one(), Decimal::one());
    state.app.init_modules(|router, api, storage| {
        router.staking.add_validator(api, storage, &block, validator)?;
        ensure_account(storage, account.as_str())?;
        if bond == 0 {
            return Ok(());
        }
        router.bank.init_balance(storage, &account, vec![amount.clone()])?;
        let delegate = CosmosMsg::Staking(StakingMsg::Delegate { validator: valoper, amount });
        router.execute(api, storage, &block, account, delegate).map(|_| ())
    })
}

/// The validators in genesis order.
pub(crate) fn validators(state: &ChainState) -> StdResult<Vec<ValidatorView>> {
    state.config.validators.iter().map(|v| view(state, &v.moniker, v.commission_percent)).collect()
}

fn view(state: &ChainState, moniker: &str, commission_percent: u64) -> StdResult<ValidatorView> {
    let operator = operator(state, moniker)?;
    let tokens = tokens(&*state.app.prefixed_storage(b"staking"), &operator)?;
    let power = u64::try_from(tokens / state.config.power_reduction.max(1)).unwrap_or(u64::MAX);
    let consensus_key = consensus_key(state, moniker).map(|k| k.to_bytes()).unwrap_or_default();
    Ok(ValidatorView {
        operator,
        moniker: moniker.to_owned(),
        tokens,
        power,
        consensus_key,
        commission_percent,
    })
}

fn tokens(staking: &dyn Storage, operator: &str) -> StdResult<u128> {
    const RECORDS: Map<&str, Record> = Map::new("validator_info");
    let stake = RECORDS.load(staking, operator)?.stake;
    cosmwasm_std::Uint128::try_from(stake).map(|s| s.u128()).map_err(StdError::from)
}

/// The validators for a header; those without power are left out.
pub(crate) fn consensus_set(state: &ChainState) -> Vec<validator::Info> {
    let views = validators(state).unwrap_or_default();
    let info = |v: ValidatorView| {
        let power = vote::Power::try_from(v.power).ok().filter(|p| p.value() > 0)?;
        Some(validator::Info::new(consensus_key(state, &v.moniker)?, power))
    };
    let mut set: Vec<_> = views.into_iter().filter_map(info).collect();
    set.sort_by(|a, b| b.power().cmp(&a.power()).then(a.address.cmp(&b.address)));
    set
}

/// Cuts a validator's stake, as x/slashing would.
pub(crate) fn slash(
    state: &mut ChainState,
    operator: &str,
    percent: u64,
) -> Result<(), super::error::TxError> {
    use cw_multi_test::{StakingSudo, SudoMsg};
    let note = serde_json::json!({ "slash": operator, "percent": percent });
    let validator = operator.to_owned();
    let slash = StakingSudo::Slash { validator, percentage: Decimal256::percent(percent) };
    let ran = state.internal("/mesh.harness.v1.Slash", &note, |s| {
        let done = s.router.sudo(s.api, s.storage, s.block, SudoMsg::Staking(slash))?;
        Ok(((), done.events))
    });
    ran.map(|_| ())
}
