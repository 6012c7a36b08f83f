//! Answers.

use contract_host::admin::Roles;
use contract_host::outbox;
use contract_host::pack::CorruptState;
use contract_host::page::PageLimit;
use cosmwasm_std::{Addr, Binary, Deps, Env, Storage, to_json_binary};
use staking_api::finality::{
    ActiveSet, Anchor, Commit as CommitAnswer, Commits, Config as ConfigAnswer, Consumer, ConsumerSettings,
    Consumers, Finalized, FinalizedHeights, Outbox, OutboxItem, PowerOf, QueryMsg, Timestamps, VoteInfo,
    Votes,
};
use staking_api::{Coin, Decimal, Key, Uint128};

use crate::error::FinalityError;
use crate::execute::finalize::{leader, next_table};
use crate::execute::rewards::caught_up;
use crate::execute::vote::Usable;
use crate::state::config::{LIGHT_CLIENT, Rules, STAKING, VAULT};
use crate::state::consumer::{self, Cursors, Final, Hot, Settings};
use crate::state::power::{Table, ranking};
use crate::state::provider::{self, Place, key_of, slot_of};
use crate::state::rewards::{Settlement, StakerRewards};
use crate::state::timestamps;
use crate::state::votes::{self, Commit, Reader};

mod evidence;
mod providers;

pub(crate) fn run(deps: Deps<'_>, env: &Env, msg: QueryMsg) -> Result<Binary, FinalityError> {
    use QueryMsg as Q;
    let storage = deps.storage;
    Ok(match msg {
        Q::Config {} => to_json_binary(&config(deps)?)?,
        Q::Consumer { id } => {
            let found = Settings::load(storage, &id)?;
            to_json_binary(&found.map(|settings| consumer(storage, id, settings)).transpose()?)?
        }
        Q::Consumers { start_after, limit } => {
            let page = consumer::page(storage, start_after.as_deref(), PageLimit::new(limit).get())?;
            let consumers: Result<_, _> = page.into_iter().map(|(id, s)| consumer(storage, id, s)).collect();
            to_json_binary(&Consumers { consumers: consumers? })?
        }
        Q::IsFinalized { consumer, height } => to_json_binary(&is_finalized(storage, &consumer, height)?)?,
        Q::FinalizedHeights { consumer, start_after, limit, descending } => {
            let number = Hot::require(storage, &consumer)?.number;
            let page = Final::page(storage, number, start_after, PageLimit::new(limit).get(), descending)?;
            let heights = page.into_iter().map(|(height, done)| finalized(height, &done)).collect();
            to_json_binary(&FinalizedHeights { heights })?
        }
        Q::ActiveSet { consumer } => to_json_binary(&active_set(storage, &consumer)?)?,
        Q::PowerTable { consumer, version } => to_json_binary(&power_table(storage, &consumer, version)?)?,
        Q::Provider { consumer, fp_pk } => to_json_binary(&providers::one(storage, &consumer, &fp_pk)?)?,
        Q::Providers { consumer, start_after, limit } => to_json_binary(&providers::list(
            storage,
            &consumer,
            start_after.as_ref(),
            PageLimit::new(limit),
        )?)?,
        Q::Commits { consumer, fp_pk, start_after, limit, descending } => {
            let limit = PageLimit::new(limit);
            to_json_binary(&commits(storage, &consumer, &fp_pk, start_after, limit, descending)?)?
        }
        Q::Votes { consumer, height, start_after, limit } => {
            to_json_binary(&votes_at(storage, &consumer, height, start_after, PageLimit::new(limit))?)?
        }
        Q::Vote { consumer, fp_pk, height } => to_json_binary(&vote(storage, &consumer, &fp_pk, height)?)?,
        Q::Evidence { fp_pk } => to_json_binary(&evidence::one(deps, env, &fp_pk)?)?,
        Q::Evidences { start_after, limit } => {
            to_json_binary(&evidence::list(deps, env, start_after.as_ref(), PageLimit::new(limit))?)?
        }
        Q::Rewards { consumer, fp_pk, staker } => {
            to_json_binary(&rewards(storage, &consumer, &fp_pk, &staker)?)?
        }
        Q::Commission { consumer, fp_pk } => {
            let settings = Settings::require(storage, &consumer)?;
            let (_, rewards) = caught_up(storage, settings.number(), &fp_pk)?;
            to_json_binary(&claimable(&settings, rewards.commission))?
        }
        Q::Timestamps {} => to_json_binary(&timestamps_answer(storage)?)?,
        Q::Outbox { start_after, limit } => {
            to_json_binary(&waiting(storage, start_after, PageLimit::new(limit))?)?
        }
    })
}

fn config(deps: Deps<'_>) -> Result<ConfigAnswer, FinalityError> {
    let (rules, roles) = (Rules::load(deps.storage)?, Roles::load(deps.storage)?);
    Ok(ConfigAnswer {
        staking: STAKING.require(deps)?.into_string(),
        light_client: LIGHT_CLIENT.require(deps)?.into_string(),
        vault: VAULT.load(deps)?.map(Addr::into_string),
        signing: rules.signing,
        timestamp_depth: rules.timestamp_depth,
        admin: roles.admin.into_string(),
        guardian: roles.guardian.map(Addr::into_string),
    })
}

fn consumer(storage: &dyn Storage, id: String, settings: Settings) -> Result<Consumer, FinalityError> {
    let cursors = Cursors::load(storage, settings.number())?;
    let pool = Settlement::load(storage, settings.number())?.pool;
    let last = Final::page(storage, settings.number(), None, 1, true)?;
    Ok(Consumer {
        settings: ConsumerSettings {
            id: id.clone(),
            activation_height: Some(settings.hot.activation_height),
            max_active_providers: Some(u32::from(settings.max_active)),
            signed_blocks_window: Some(settings.window),
            min_signed_per_window: Some(Decimal(settings.min_signed_share)),
            settle_lag: Some(settings.settle_lag),
            jail_seconds: Some(settings.jail_seconds),
            min_pub_rand: Some(settings.hot.min_pub_rand),
            max_pub_rand: Some(settings.hot.max_pub_rand),
            max_commit_lead: Some(settings.hot.max_commit_lead),
            max_vote_lead: Some(settings.hot.max_vote_lead),
            reward_denom: settings.reward_denom.clone(),
            reward_per_height: Some(settings.reward_per_height).filter(|n| *n > 0).map(Uint128),
        },
        id,
        next_height: cursors.next_height,
        last_finalized: last.first().map(|(height, _)| *height),
        next_settlement: cursors.next_settlement,
        power_version: cursors.version,
        paused: settings.hot.paused,
        providers: u32::from(provider::count(storage, settings.number())?),
        reward_pool: Uint128(pool),
    })
}

fn finalized(height: u64, done: &Final) -> Finalized {
    let app_hash = Some(done.app_hash.into());
    Finalized { height, finalized: true, app_hash, power: done.power, total: done.total }
}

fn is_finalized(storage: &dyn Storage, consumer: &str, height: u64) -> Result<Finalized, FinalityError> {
    let hot = Hot::require(storage, consumer)?;
    if let Some(done) = Final::load(storage, hot.number, height)? {
        return Ok(finalized(height, &done));
    }
    let settings = Settings::complete(storage, consumer, hot)?;
    let table = if height == Cursors::load(storage, hot.number)?.next_height {
        next_table(storage, &settings, Usable::load(storage, &hot.rules)?)?
    } else {
        current_table(storage, &settings)?
    };
    let slots = table.0.iter().map(|(slot, _)| *slot);
    let votes = Reader::default().at(storage, settings.number(), height, slots)?;
    let power = leader(&table, &votes).map_or(0, |(_, power)| power);
    Ok(Finalized { height, finalized: false, app_hash: None, power, total: table.total() })
}

fn current_table(storage: &dyn Storage, settings: &Settings) -> Result<Table, CorruptState> {
    Ok(Table(ranking(storage, settings.number(), usize::from(settings.max_active))?))
}

fn active_set(storage: &dyn Storage, consumer: &str) -> Result<ActiveSet, FinalityError> {
    let settings = Settings::require(storage, consumer)?;
    let ranked = current_table(storage, &settings)?.0.into_iter();
    let named = ranked.map(|(slot, power)| {
        let fp_pk = key_of(storage, settings.number(), slot)?;
        Ok(PowerOf { fp_pk, power })
    });
    let providers = named.collect::<Result<Vec<_>, CorruptState>>()?;
    let version = Cursors::load(storage, settings.number())?.version;
    let total = providers.iter().fold(0u64, |sum, p| sum.saturating_add(p.power));
    Ok(ActiveSet { version, total, providers })
}

fn power_table(
    storage: &dyn Storage,
    consumer: &str,
    version: u32,
) -> Result<Option<ActiveSet>, FinalityError> {
    let number = Hot::require(storage, consumer)?.number;
    let Some(table) = Table::load(storage, number, version)? else { return Ok(None) };
    let named = |(slot, power): &(u16, u64)| -> Result<PowerOf, CorruptState> {
        Ok(PowerOf { fp_pk: key_of(storage, number, *slot)?, power: *power })
    };
    let providers: Result<_, _> = table.0.iter().map(named).collect();
    Ok(Some(ActiveSet { version, total: table.total(), providers: providers? }))
}

fn commits(
    storage: &dyn Storage,
    consumer: &str,
    fp: &Key,
    after: Option<u64>,
    limit: PageLimit,
    descending: bool,
) -> Result<Commits, FinalityError> {
    let number = Hot::require(storage, consumer)?.number;
    let slot = slot_of(storage, number, fp)?;
    let usable = Usable::load(storage, &Rules::load(storage)?)?;
    let page = Commit::page(storage, number, slot, after, limit.get(), descending)?;
    let commits = page.iter().map(|commit| CommitAnswer {
        start_height: commit.commitment.start(),
        count: commit.commitment.num(),
        commitment: commit.commitment.root().into(),
        hub_height: commit.hub_height,
        usable: usable.allows(commit),
    });
    Ok(Commits { commits: commits.collect() })
}

fn votes_at(
    storage: &dyn Storage,
    consumer: &str,
    height: u64,
    after: Option<Key>,
    limit: PageLimit,
) -> Result<Votes, FinalityError> {
    let number = Hot::require(storage, consumer)?.number;
    let first = after.map(|fp| slot_of(storage, number, &fp)).transpose()?;
    let first = first.map_or(0, |slot| slot.saturating_add(1));
    let mut reader = Reader::default();
    let all = reader.at(storage, number, height, 0..provider::count(storage, number)?)?;
    let mut votes = Vec::new();
    for (slot, ballot) in all.range(first..).take(limit.get()) {
        let (fp_pk, app_hash) = (key_of(storage, number, *slot)?, ballot.app_hash.into());
        votes.push(VoteInfo { fp_pk, height, app_hash, signature: ballot.signature.into() });
    }
    Ok(Votes { votes })
}

fn vote(
    storage: &dyn Storage,
    consumer: &str,
    fp: &Key,
    height: u64,
) -> Result<Option<VoteInfo>, FinalityError> {
    let number = Hot::require(storage, consumer)?.number;
    let slot = slot_of(storage, number, fp)?;
    let runs_end = Place::load(storage, number, slot)?.runs_end;
    let ballot = votes::ballot(storage, number, slot, height, runs_end)?;
    Ok(ballot.map(|ballot| VoteInfo {
        fp_pk: *fp,
        height,
        app_hash: ballot.app_hash.into(),
        signature: ballot.signature.into(),
    }))
}

fn rewards(
    storage: &dyn Storage,
    consumer: &str,
    fp: &Key,
    staker: &str,
) -> Result<staking_api::finality::Rewards, FinalityError> {
    let settings = Settings::require(storage, consumer)?;
    let (slot, provider) = caught_up(storage, settings.number(), fp)?;
    let mut record = StakerRewards::load(storage, settings.number(), slot, staker)?;
    record.catch_up(provider.net)?;
    Ok(claimable(&settings, record.owed))
}

fn claimable(settings: &Settings, amount: u128) -> staking_api::finality::Rewards {
    let amount = settings.reward_denom.as_ref().map(|denom| Coin::new(amount, denom.clone()));
    staking_api::finality::Rewards { amount }
}

fn timestamps_answer(storage: &dyn Storage) -> Result<Timestamps, FinalityError> {
    let pending = timestamps::waiting(storage)?;
    let anchor = |a: &timestamps::Anchor| Anchor { hub_height: a.hub_height, btc_height: a.btc_height };
    let pending = pending.iter().map(anchor).collect();
    Ok(Timestamps { timestamped_until: timestamps::until(storage)?, pending })
}

fn waiting(storage: &dyn Storage, after: Option<u64>, limit: PageLimit) -> Result<Outbox, FinalityError> {
    let items = outbox::list(storage, after, limit.get())?;
    let item =
        |(id, item): (u64, outbox::Item)| OutboxItem { id, to: item.to, msg: item.msg, error: item.error };
    Ok(Outbox { items: items.into_iter().map(item).collect() })
}
