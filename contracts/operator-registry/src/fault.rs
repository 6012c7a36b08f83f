//! What a proven fault on one chain costs its operator everywhere (§15-8).

use crate::bond;
use crate::error::ExecuteError;
use crate::state::{CONFIG, OPERATORS, PROVIDERS, operator, validator_of};
use cosmwasm_std::{DepsMut, Event, MessageInfo, Response};
use mesh_accounting::Ratio;

/// A reporter names a validator or a provider key; a name that is bound to nobody changes nothing.
pub(crate) fn report(
    deps: DepsMut,
    info: &MessageInfo,
    chain: &str,
    fp: Option<&str>,
    valoper: Option<&str>,
) -> Result<Response, ExecuteError> {
    let config = CONFIG.load(deps.storage)?;
    config.only_reporter(info)?;
    let (binding, at) = match (fp, valoper) {
        (Some(fp), _) => (PROVIDERS.may_load(deps.storage, &[chain.as_bytes(), fp.as_bytes()])?, fp),
        (None, Some(v)) => (validator_of(deps.storage, chain, v)?, v),
        (None, None) => return Err(ExecuteError::NobodyNamed),
    };
    let event = Event::new("fault").add_attribute("chain_id", chain).add_attribute("at", at);
    let Some(binding) = binding else {
        return Ok(Response::new().add_event(event.add_attribute("operator", "")));
    };
    let event = event.add_attribute("operator", &binding.operator);
    if !config.jail {
        return Ok(Response::new().add_event(event));
    }
    let mut found = operator(deps.storage, &binding.operator)?;
    let first = !found.jailed;
    found.jailed = true;
    OPERATORS.save(deps.storage, &[binding.operator.as_bytes()], &found);
    let event = event.add_attribute("jailed", first.to_string());
    // One penalty per jailing: reports of the same fault from several sides cost once.
    if !first || config.slash == Ratio::ZERO {
        return Ok(Response::new().add_event(event));
    }
    Ok(bond::slash(deps, &binding.operator, at)?.add_event(event))
}

pub(crate) fn pardon(deps: DepsMut, info: &MessageInfo, name: &str) -> Result<Response, ExecuteError> {
    CONFIG.load(deps.storage)?.only_owner(info)?;
    let mut found = operator(deps.storage, name)?;
    found.jailed = false;
    OPERATORS.save(deps.storage, &[name.as_bytes()], &found);
    Ok(Response::new().add_event(Event::new("pardoned").add_attribute("operator", name)))
}
