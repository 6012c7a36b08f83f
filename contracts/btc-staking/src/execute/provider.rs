//! Finality providers: registration with proof of possession, commission, retirement (spec §7.1).

use contract_host::HostCurve;
use contract_host::admin::{require_admin, require_running};
use contract_host::events::EmitExt;
use contract_host::push::ToFinality;
use cosmwasm_std::{Deps, DepsMut, Env, MessageInfo, Response, Storage, WasmMsg, to_json_binary};
use staking_api::events::{ProviderEdited, ProviderRegistered, ProviderRetired};
use staking_api::finality::ProviderUpdate;
use staking_api::parse::provider_key;
use staking_api::staking::{Commission, Description, EditProvider, RegisterProvider};
use staking_api::{Decimal, Key};
use staking_protocol::context::Purpose;
use staking_protocol::possession::{ChainAddress, Possession};

use crate::error::StakingError;
use crate::power::humanize;
use crate::state::config::{Config, FINALITY, light_client};
use crate::state::params;
use crate::state::provider::{self, Provider, ProviderText};

/// Consumers of a provider at most.
const MAX_CONSUMERS: usize = 16;
/// Seconds between two changes of a commission.
const COMMISSION_PAUSE: u64 = 86_400;

#[inline(never)]
pub(crate) fn register(
    deps: DepsMut<'_>,
    env: &Env,
    info: &MessageInfo,
    msg: RegisterProvider,
) -> Result<Response, StakingError> {
    require_running(deps.storage)?;
    let config = Config::load(deps.storage)?;
    let owner = ChainAddress::parse(info.sender.as_str())?;
    check_new(deps.storage, &msg, &owner, info)?;
    check_consumers(&msg.consumers)?;
    check_description(&msg.description)?;
    let key = provider_key(&msg.fp_pk)?;
    let domain = config.domain(Purpose::ProviderPossession, env);
    let curve = HostCurve::new(deps.api);
    Possession::try_from(&msg.pop)?.verify(&curve, &domain, key.x_only(), &owner, config.network)?;
    let tip = light_client(deps.as_ref())?.tip(&deps.querier)?.context.height();
    let lowest = params::at_height(deps.storage, tip)?.params.min_commission_rate().atto();
    check_commission(&msg.commission, u128::try_from(lowest).unwrap_or(0))?;
    let record = Provider { retired: false, owner: owner.raw().to_vec(), consumers: msg.consumers.clone() };
    record.save(deps.storage, &msg.fp_pk)?;
    provider::set_owner(deps.storage, owner.raw(), &msg.fp_pk);
    let text = ProviderText {
        description: msg.description,
        commission: msg.commission,
        commission_changed: env.block.time.seconds(),
    };
    text.save(deps.storage, &msg.fp_pk)?;
    let owner = info.sender.to_string();
    let update = ProviderUpdate {
        fp_pk: msg.fp_pk,
        owner: owner.clone(),
        commission: msg.commission.rate,
        consumers: msg.consumers.clone(),
    };
    let event = ProviderRegistered { fp_pk: msg.fp_pk, owner, consumers: msg.consumers };
    Ok(Response::new().add_message(tell_finality(deps.as_ref(), update)?).emit(&event))
}

fn check_new(
    storage: &dyn Storage,
    msg: &RegisterProvider,
    owner: &ChainAddress,
    info: &MessageInfo,
) -> Result<(), StakingError> {
    if Provider::load(storage, &msg.fp_pk)?.is_some() {
        return Err(StakingError::ProviderExists(msg.fp_pk));
    }
    if provider::owns_a_provider(storage, owner.raw()) {
        return Err(StakingError::OwnerHasProvider(info.sender.clone()));
    }
    Ok(())
}

fn tell_finality(deps: Deps<'_>, update: ProviderUpdate) -> Result<WasmMsg, StakingError> {
    let msg = to_json_binary(&ToFinality::ProviderUpdated(update))?;
    Ok(WasmMsg::Execute { contract_addr: FINALITY.require(deps)?.into_string(), msg, funds: vec![] })
}

fn check_consumers(consumers: &[String]) -> Result<(), StakingError> {
    let refuse = |why: &str| Err(StakingError::Consumers(why.to_string()));
    if consumers.is_empty() || consumers.len() > MAX_CONSUMERS {
        return refuse("between 1 and 16 are needed");
    }
    let twice =
        consumers.iter().enumerate().find(|(i, id)| consumers.iter().take(*i).any(|other| other == *id));
    if let Some((_, id)) = twice {
        return refuse(&format!("{id} is named twice"));
    }
    let is_id = |id: &String| {
        (1..=50).contains(&id.len()) && id.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b))
    };
    match consumers.iter().find(|id| !is_id(id)) {
        Some(id) => refuse(&format!("{id:?} is not a chain id")),
        None => Ok(()),
    }
}

fn check_description(description: &Description) -> Result<(), StakingError> {
    let Description { moniker, website, security_contact, details } = description;
    let fields = [
        ("moniker", moniker, 70),
        ("website", website, 280),
        ("security_contact", security_contact, 280),
        ("details", details, 280),
    ];
    match fields.into_iter().find(|(_, text, max)| text.len() > *max) {
        Some((field, text, max)) => Err(StakingError::TextTooLong { field, found: text.len(), max }),
        None => Ok(()),
    }
}

fn check_commission(commission: &Commission, lowest: u128) -> Result<(), StakingError> {
    let Commission { rate, max_rate, max_change_rate } = *commission;
    let refuse = |found, rule| Err(StakingError::Commission { found, rule });
    if max_rate > Decimal::ONE {
        return refuse(max_rate, "the maximum is above 1");
    }
    if rate > max_rate {
        return refuse(rate, "above the maximum");
    }
    if max_change_rate > max_rate {
        return refuse(max_change_rate, "the largest change is above the maximum");
    }
    if rate.0 < lowest {
        return refuse(rate, "below the parameters' minimum");
    }
    Ok(())
}

#[inline(never)]
pub(crate) fn edit(
    deps: DepsMut<'_>,
    env: &Env,
    info: &MessageInfo,
    msg: EditProvider,
) -> Result<Response, StakingError> {
    let record = Provider::require(deps.storage, &msg.fp_pk)?;
    let owner = humanize(deps.api, &record.owner)?;
    if owner != info.sender.as_str() {
        return Err(StakingError::NotOwner(info.sender.clone()));
    }
    let mut text = ProviderText::load(deps.storage, &msg.fp_pk)?;
    let mut response = Response::new();
    if let Some(description) = msg.description {
        check_description(&description)?;
        text.description = description;
    }
    if let Some(rate) = msg.commission_rate {
        let tip = light_client(deps.as_ref())?.tip(&deps.querier)?.context.height();
        let lowest = params::at_height(deps.storage, tip)?.params.min_commission_rate().atto();
        let changed = Commission { rate, ..text.commission };
        check_commission(&changed, u128::try_from(lowest).unwrap_or(0))?;
        check_change(&text, rate, env.block.time.seconds())?;
        text.commission = changed;
        text.commission_changed = env.block.time.seconds();
        let consumers = record.consumers.clone();
        let update = ProviderUpdate { fp_pk: msg.fp_pk, owner, commission: rate, consumers };
        response = response.add_message(tell_finality(deps.as_ref(), update)?);
    }
    text.save(deps.storage, &msg.fp_pk)?;
    let commission = text.commission.rate.to_string();
    Ok(response.emit(&ProviderEdited { fp_pk: msg.fp_pk, commission }))
}

fn check_change(text: &ProviderText, rate: Decimal, now: u64) -> Result<(), StakingError> {
    let (last, next) = (text.commission_changed, text.commission_changed.saturating_add(COMMISSION_PAUSE));
    if now < next {
        return Err(StakingError::CommissionTooSoon { last, next });
    }
    if text.commission.rate.0.abs_diff(rate.0) > text.commission.max_change_rate.0 {
        return Err(StakingError::Commission { found: rate, rule: "changes by more than allowed" });
    }
    Ok(())
}

pub(crate) fn retire(deps: DepsMut<'_>, info: &MessageInfo, fp: &Key) -> Result<Response, StakingError> {
    require_admin(deps.storage, info)?;
    let mut record = Provider::require(deps.storage, fp)?;
    record.retired = true;
    record.save(deps.storage, fp)?;
    Ok(Response::new().emit(&ProviderRetired { fp_pk: *fp }))
}
