//! Answers.

use contract_host::HostCurve;
use contract_host::admin::{Roles, is_paused};
use contract_host::outbox;
use contract_host::page::PageLimit;
use cosmwasm_std::{Addr, Binary, Deps, Env, Storage, to_json_binary};
use staking_api::Decimal;
use staking_api::staking::{
    Config as ConfigAnswer, Outbox, OutboxItem, Params as ApiParams, ParamsVersions,
    Provider as ProviderAnswer, Providers, QueryMsg, VersionedParams,
};
use staking_protocol::tx::slashing::SlashingPolicy;

use crate::error::StakingError;
use crate::power::humanize;
use crate::state::config::{Config, FINALITY, VAULT, light_client};
use crate::state::params::{self, Version};
use crate::state::provider::{self, Provider, ProviderText, Slashed};
use crate::state::sweep::ReorgSweep;

mod delegations;

pub(crate) fn run(deps: Deps<'_>, env: &Env, msg: QueryMsg) -> Result<Binary, StakingError> {
    Ok(match msg {
        QueryMsg::Config {} => to_json_binary(&config(deps, env)?)?,
        QueryMsg::ParamsVersions { start_after, limit } => {
            to_json_binary(&versions(deps.storage, start_after, PageLimit::new(limit))?)?
        }
        QueryMsg::ParamsAt { height } => to_json_binary(&params_at(deps, height)?)?,
        QueryMsg::Provider { fp_pk } => {
            let found = Provider::load(deps.storage, &fp_pk)?;
            to_json_binary(&found.map(|record| answer(deps, fp_pk, record)).transpose()?)?
        }
        QueryMsg::Providers { start_after, limit } => {
            let page = provider::page(deps.storage, start_after.as_ref(), PageLimit::new(limit).get())?;
            let providers: Result<_, _> =
                page.into_iter().map(|(fp, record)| answer(deps, fp, record)).collect();
            to_json_binary(&Providers { providers: providers? })?
        }
        QueryMsg::Delegation { txid } => to_json_binary(&delegations::one(deps, &txid)?)?,
        QueryMsg::Delegations { filter, start_after, limit } => {
            to_json_binary(&delegations::list(deps, &filter, start_after, PageLimit::new(limit))?)?
        }
        QueryMsg::PendingFor { covenant_pk, start_after, limit } => {
            to_json_binary(&delegations::pending(deps, &covenant_pk, start_after, PageLimit::new(limit))?)?
        }
        QueryMsg::CovenantSignatures { txid } => to_json_binary(&delegations::signatures_of(deps, &txid)?)?,
        QueryMsg::Outbox { start_after, limit } => {
            to_json_binary(&waiting(deps.storage, start_after, PageLimit::new(limit))?)?
        }
    })
}

fn config(deps: Deps<'_>, env: &Env) -> Result<ConfigAnswer, StakingError> {
    let (config, roles) = (Config::load(deps.storage)?, Roles::load(deps.storage)?);
    let light_client = light_client(deps)?;
    let tip = light_client.tip(&deps.querier)?;
    let versions = params::heights(deps.storage)?.len();
    Ok(ConfigAnswer {
        light_client: light_client.0.into_string(),
        finality: FINALITY.load(deps)?.map(Addr::into_string),
        vault: VAULT.load(deps)?.map(Addr::into_string),
        signing: config.signing,
        chain_id: env.block.chain_id.clone(),
        admin: roles.admin.into_string(),
        guardian: roles.guardian.map(Addr::into_string),
        paused: is_paused(deps.storage),
        params_versions: u32::try_from(versions).unwrap_or(u32::MAX),
        reorg_pending: tip.deep_reorgs != ReorgSweep::load(deps.storage)?.done,
    })
}

fn versions(
    storage: &dyn Storage,
    start_after: Option<u32>,
    limit: PageLimit,
) -> Result<ParamsVersions, StakingError> {
    let count = params::heights(storage)?.len();
    let first = start_after.map_or(0, |after| after.saturating_add(1));
    let numbers = (0..count).filter_map(|n| u16::try_from(n).ok()).filter(|n| u32::from(*n) >= first);
    let versions: Result<_, StakingError> =
        numbers.take(limit.get()).map(|n| Ok(versioned(&params::load(storage, n)?))).collect();
    Ok(ParamsVersions { versions: versions? })
}

fn params_at(deps: Deps<'_>, height: Option<u32>) -> Result<VersionedParams, StakingError> {
    let height = match height {
        Some(height) => height,
        None => light_client(deps)?.tip(&deps.querier)?.context.height(),
    };
    Ok(versioned(&params::at_height(deps.storage, height)?))
}

fn versioned(version: &Version) -> VersionedParams {
    let params = &version.params;
    let (slashing, raw) = (params.slashing(), params.to_unchecked());
    VersionedParams {
        version: u32::from(version.number),
        params: ApiParams {
            btc_activation_height: params.btc_activation_height(),
            covenant_pks: params.covenants().keys().iter().map(|key| key.to_bytes().into()).collect(),
            covenant_quorum: params.covenants().quorum(),
            min_staking_value_sat: params.min_staking_value().0,
            max_staking_value_sat: params.max_staking_value().0,
            min_staking_time_blocks: u32::from(params.min_staking_time().blocks()),
            max_staking_time_blocks: u32::from(params.max_staking_time().blocks()),
            slashing_pk_script: staking_api::Binary(slashing.pk_script.clone()),
            min_slashing_tx_fee_sat: slashing.min_fee.0,
            slashing_rate: Decimal(u128::from(slashing.rate.ten_thousandths()) * (Decimal::ONE.0 / 10_000)),
            unbonding_time_blocks: u32::from(params.unbonding_time().blocks()),
            unbonding_fee_sat: params.unbonding_fee().0,
            min_commission_rate: Decimal(u128::try_from(params.min_commission_rate().atto()).unwrap_or(0)),
            max_finality_providers: params.max_finality_providers(),
            max_staker_quorum: raw.max_staker_quorum,
            max_staker_num: raw.max_staker_num,
            lax_slashing_tx: version.policy == SlashingPolicy::AtLeast,
        },
    }
}

fn answer(deps: Deps<'_>, fp_pk: staking_api::Key, record: Provider) -> Result<ProviderAnswer, StakingError> {
    let text = ProviderText::load(deps.storage, &fp_pk)?;
    let slashed = Slashed::load(deps.storage, &fp_pk)?;
    Ok(ProviderAnswer {
        fp_pk,
        owner: humanize(deps.api, &record.owner)?,
        description: text.description,
        commission: text.commission,
        commission_changed: text.commission_changed,
        consumers: record.consumers,
        slashed: slashed.is_some(),
        slashed_height: slashed.map(|s| s.height),
        retired: record.retired,
    })
}

fn waiting(storage: &dyn Storage, after: Option<u64>, limit: PageLimit) -> Result<Outbox, StakingError> {
    let items = outbox::list(storage, after, limit.get())?;
    let item =
        |(id, item): (u64, outbox::Item)| OutboxItem { id, to: item.to, msg: item.msg, error: item.error };
    Ok(Outbox { items: items.into_iter().map(item).collect() })
}

fn host_curve<'a>(deps: &Deps<'a>) -> HostCurve<'a> {
    HostCurve::new(deps.api)
}
