//! Answers of the registry.

use crate::state::{
    BONDS, Binding, CONFIG, MAX_LIST, OP_PROVIDERS, OP_VALIDATORS, OPERATORS, POWERS, PROVIDERS, VALIDATORS,
    validator_of,
};
use cosmwasm_std::{Binary, Deps, StdError, StdResult, to_json_binary};
use mesh_accounting::Ratio;
use mesh_accounting::store::{Packed, table};
use staking_api::mesh::Uint128;
use staking_api::mesh::registry::{
    BoundFpResponse, BoundValidatorResponse, ConfigResponse, DelegableResponse, OperatorResponse,
    OverlapResponse, ProviderBinding, QueryMsg, SelfBondResponse, ValidatorBinding,
};
use staking_api::mesh::vault::MaxSlashResponse;

pub(crate) fn query(deps: Deps, msg: QueryMsg) -> StdResult<Binary> {
    match msg {
        QueryMsg::Config {} => to_json_binary(&config(deps)?),
        QueryMsg::Operator { operator } => to_json_binary(&operator_info(deps, operator)?),
        QueryMsg::BoundFp { consumer, validator } => to_json_binary(&bound_fp(deps, &consumer, &validator)?),
        QueryMsg::BoundValidator { consumer, fp_pk } => {
            to_json_binary(&bound_validator(deps, &consumer, &fp_pk)?)
        }
        QueryMsg::Overlap { chain_a, chain_b } => to_json_binary(&overlap(deps, &chain_a, &chain_b)?),
        QueryMsg::Delegable { chain_id, validator } => {
            let jailed = match validator_of(deps.storage, &chain_id, &validator)? {
                Some(b) => OPERATORS.get(deps.storage, &[b.operator.as_bytes()])?.jailed,
                None => false,
            };
            to_json_binary(&DelegableResponse { delegable: !jailed })
        }
        QueryMsg::MaxSlash {} => {
            let ratio = CONFIG.load(deps.storage)?.slash.into();
            to_json_binary(&MaxSlashResponse { slash_ratio_dsign: ratio, slash_ratio_offline: ratio })
        }
        QueryMsg::SelfBond { operator, vault } => {
            let amount = Uint128(BONDS.get(deps.storage, &[operator.as_bytes(), vault.as_bytes()])?);
            to_json_binary(&SelfBondResponse { amount })
        }
    }
}

fn config(deps: Deps) -> StdResult<ConfigResponse> {
    let c = CONFIG.load(deps.storage)?;
    let penalty = c.penalty();
    Ok(ConfigResponse { owner: c.owner, reporters: c.reporters, penalty })
}

fn operator_info(deps: Deps, name: String) -> StdResult<OperatorResponse> {
    let found = OPERATORS.may_load(deps.storage, &[name.as_bytes()])?;
    let found = found.ok_or_else(|| StdError::msg(format!("{name} is not an operator")))?;
    let mut providers = Vec::new();
    for (consumer, fp_pk) in OP_PROVIDERS.list(deps.storage, &[name.as_bytes()], None, MAX_LIST)? {
        let consumer = table::text(consumer)?;
        let binding: Option<Binding> =
            PROVIDERS.may_load(deps.storage, &[consumer.as_bytes(), fp_pk.as_bytes()])?;
        providers.push(ProviderBinding { consumer, fp_pk, vouched: binding.is_some_and(|b| b.vouched) });
    }
    Ok(OperatorResponse {
        validators: validators_of(deps, &name)?,
        moniker: found.moniker,
        jailed: found.jailed,
        operator: name,
        providers,
    })
}

/// Validators of an operator over all chains. The rows of one operator have the chain, length-prefixed, and the
/// name as the rest of their key.
fn validators_of(deps: Deps, operator: &str) -> StdResult<Vec<ValidatorBinding>> {
    let rows = OP_VALIDATORS.list(deps.storage, &[operator.as_bytes()], None, MAX_LIST)?;
    let split = |key: Vec<u8>| -> Option<(String, String)> {
        let mut rest = key.as_slice();
        let n = usize::from(u16::read(&mut rest)?);
        let (chain, valoper) = rest.split_at_checked(n)?;
        Some((String::from_utf8(chain.to_vec()).ok()?, String::from_utf8(valoper.to_vec()).ok()?))
    };
    let mut all = Vec::new();
    for (key, ()) in rows {
        let Some((chain_id, valoper)) = split(key) else { continue };
        let binding = validator_of(deps.storage, &chain_id, &valoper)?;
        all.push(ValidatorBinding { chain_id, valoper, vouched: binding.is_some_and(|b| b.vouched) });
    }
    Ok(all)
}

fn bound_fp(deps: Deps, consumer: &str, validator: &str) -> StdResult<BoundFpResponse> {
    let fp_pk = match validator_of(deps.storage, consumer, validator)? {
        Some(b) => OP_PROVIDERS.may_load(deps.storage, &[b.operator.as_bytes(), consumer.as_bytes()])?,
        None => None,
    };
    Ok(BoundFpResponse { fp_pk })
}

fn bound_validator(deps: Deps, consumer: &str, fp: &str) -> StdResult<BoundValidatorResponse> {
    let Some(b) = PROVIDERS.may_load(deps.storage, &[consumer.as_bytes(), fp.as_bytes()])? else {
        return Ok(BoundValidatorResponse { validator: None });
    };
    let key: [&[u8]; 2] = [b.operator.as_bytes(), consumer.as_bytes()];
    let first = OP_VALIDATORS.list(deps.storage, &key, None, 1)?.into_iter().next();
    Ok(BoundValidatorResponse { validator: first.map(|(k, ())| table::text(k)).transpose()? })
}

/// Validators of `a` whose operator also runs one of `b`, by count and by power. The set is that of the reported
/// powers where there are any, otherwise that of the bindings, each with power one.
fn overlap(deps: Deps, a: &str, b: &str) -> StdResult<OverlapResponse> {
    let (of_a, of_b) = (set(deps, a)?, set(deps, b)?);
    let (mut common, mut power) = (0u32, 0u128);
    for (valoper, weight) in &of_a {
        if has_twin(deps, a, valoper, b)? {
            common = common.saturating_add(1);
            power = power.saturating_add(*weight);
        }
    }
    let total = of_a.iter().fold(0u128, |sum, (_, w)| sum.saturating_add(*w));
    let count = |v: &[(String, u128)]| u32::try_from(v.len()).unwrap_or(u32::MAX);
    Ok(OverlapResponse {
        common_operators: common,
        validators_a: count(&of_a),
        validators_b: count(&of_b),
        by_count: Ratio::of(common.into(), count(&of_a).into()).into(),
        by_power: Ratio::of(power, total).into(),
    })
}

fn set(deps: Deps, chain: &str) -> StdResult<Vec<(String, u128)>> {
    let powers = POWERS.list(deps.storage, &[chain.as_bytes()], None, MAX_LIST)?;
    if powers.is_empty() {
        let bound = VALIDATORS.list(deps.storage, &[chain.as_bytes()], None, MAX_LIST)?;
        return bound.into_iter().map(|(k, _)| Ok((table::text(k)?, 1))).collect();
    }
    powers.into_iter().map(|(k, p)| Ok((table::text(k)?, p))).collect()
}

fn has_twin(deps: Deps, chain: &str, valoper: &str, other: &str) -> StdResult<bool> {
    let Some(b) = validator_of(deps.storage, chain, valoper)? else { return Ok(false) };
    let key: [&[u8]; 2] = [b.operator.as_bytes(), other.as_bytes()];
    Ok(!OP_VALIDATORS.list(deps.storage, &key, None, 1)?.is_empty())
}
