//! What the vault stores beside the lien book.

use crate::error::ExecuteError;
use cosmwasm_std::{StdResult, Storage};
use mesh_accounting::Ratio;
use mesh_accounting::store::{Cell, Packed, Table};
use staking_api::mesh::btc_vault::{Backing, Mode, OfflinePolicy, Policy};

/// The one denomination.
pub(crate) const SAT: &str = "sat";
/// Providers one delegation may have.
pub(crate) const MAX_PROVIDERS: usize = 16;
/// Slashed providers whose settlement is under way that a new lien is checked against.
pub(crate) const MAX_OPEN_SLASHES: usize = 32;

/// Settings.
pub(crate) struct Config {
    pub(crate) btc_staking: String,
    pub(crate) btc_finality: String,
    pub(crate) registry: Option<String>,
    pub(crate) light_client: Option<String>,
    pub(crate) owner: String,
    pub(crate) shared: bool,
    pub(crate) garnish: bool,
    pub(crate) require_binding: bool,
    pub(crate) expiry_margin: u32,
    pub(crate) min_unbonding: u32,
    /// Seconds that consumers admitted so far need bitcoin to stay slashable for, at most.
    pub(crate) longest_need_s: u64,
}
mesh_accounting::packed!(Config {
    btc_staking,
    btc_finality,
    registry,
    light_client,
    owner,
    shared,
    garnish,
    require_binding,
    expiry_margin,
    min_unbonding,
    longest_need_s,
});

impl Config {
    pub(crate) fn policy(&self) -> Policy {
        Policy {
            mode: if self.shared { Mode::Shared } else { Mode::Strict },
            offline: if self.garnish { OfflinePolicy::Garnish } else { OfflinePolicy::None },
            require_fp_binding: self.require_binding,
            expiry_margin_blocks: self.expiry_margin,
            min_unbonding_blocks: self.min_unbonding,
        }
    }

    pub(crate) fn set_policy(&mut self, p: &Policy) {
        self.shared = p.mode == Mode::Shared;
        self.garnish = p.offline == OfflinePolicy::Garnish;
        self.require_binding = p.require_fp_binding;
        self.expiry_margin = p.expiry_margin_blocks;
        self.min_unbonding = p.min_unbonding_blocks;
    }

    pub(crate) fn only(&self, sender: &str, role: Role) -> Result<(), ExecuteError> {
        let (allowed, role) = match role {
            Role::Owner => (&self.owner, "the owner"),
            Role::Staking => (&self.btc_staking, "btc-staking"),
            Role::Finality => (&self.btc_finality, "btc-finality"),
        };
        match allowed == sender {
            true => Ok(()),
            false => Err(ExecuteError::Unauthorized { sender: sender.into(), role }),
        }
    }
}

/// Who may send a message.
#[derive(Clone, Copy)]
pub(crate) enum Role {
    Owner,
    Staking,
    Finality,
}

/// Where a delegation stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct State(pub(crate) Backing);

impl State {
    /// Whether it counts as collateral.
    pub(crate) fn counts(self) -> bool {
        self.0 == Backing::Active
    }
}

impl Packed for State {
    fn write(&self, out: &mut Vec<u8>) {
        out.push(match self.0 {
            Backing::Active => 0,
            Backing::Exiting => 1,
            Backing::Quarantined => 2,
            Backing::Slashed => 3,
            Backing::TooShort => 4,
        });
    }
    fn read(from: &mut &[u8]) -> Option<Self> {
        Some(Self(match u8::read(from)? {
            0 => Backing::Active,
            1 => Backing::Exiting,
            2 => Backing::Quarantined,
            3 => Backing::Slashed,
            4 => Backing::TooShort,
            _ => return None,
        }))
    }
}

/// A delegation on Bitcoin.
#[derive(Clone, Debug)]
pub(crate) struct Delegation {
    pub(crate) user: String,
    pub(crate) sat: u64,
    pub(crate) rate: Ratio,
    /// (consumer, provider key).
    pub(crate) fps: Vec<(String, String)>,
    pub(crate) start: u32,
    pub(crate) end: u32,
    pub(crate) unbonding: u32,
    pub(crate) state: State,
}
mesh_accounting::packed!(Delegation { user, sat, rate, fps, start, end, unbonding, state });

impl Delegation {
    /// First Bitcoin height from which unbonding does not end before the timelock.
    pub(crate) fn last_call(&self) -> u32 {
        self.end.saturating_sub(self.unbonding)
    }

    /// What a slashing takes.
    pub(crate) fn at_stake(&self) -> u128 {
        self.rate.floor(self.sat.into())
    }
}

/// Sums of a user.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Sums {
    /// Σ sat that count, C.
    pub(crate) sat: u128,
    /// What slashings can take, S.
    pub(crate) at_stake: u128,
    /// Credit withheld for faults Bitcoin cannot punish.
    pub(crate) garnished: u128,
}
mesh_accounting::packed!(Sums { sat, at_stake, garnished });

/// A consumer.
#[derive(Clone, Debug)]
pub(crate) struct Consumer {
    pub(crate) contract: String,
    pub(crate) ratio: Ratio,
    pub(crate) cap: u64,
    pub(crate) paused: bool,
    pub(crate) shared: bool,
}
mesh_accounting::packed!(Consumer { contract, ratio, cap, paused, shared });

/// Settlement of a slashed provider.
#[derive(Clone, Debug, Default)]
pub(crate) struct Slashed {
    pub(crate) consumer: String,
    pub(crate) height: u64,
    pub(crate) done: bool,
    pub(crate) count: u64,
    pub(crate) sat: u128,
}
mesh_accounting::packed!(Slashed { consumer, height, done, count, sat });

pub(crate) const CONFIG: Cell<Config> = Cell::new(b"config");
/// By txid.
pub(crate) const DELEGATIONS: Table<Delegation> = Table::new(b"del");
/// What was reported of delegations before they were known.
pub(crate) const EARLY: Table<State> = Table::new(b"early");
/// Delegations in the order of their ends, by last call (four bytes) and txid.
pub(crate) const ENDING: Table<()> = Table::new(b"ending");
/// By user and txid.
pub(crate) const BY_USER: Table<()> = Table::new(b"user_del");
/// Delegations a slash of the provider would take, by provider and txid.
pub(crate) const BY_FP: Table<()> = Table::new(b"fp_del");
/// How many of those a user has, by provider and user.
pub(crate) const FP_USER: Table<u32> = Table::new(b"fp_user");
pub(crate) const SUMS: Table<Sums> = Table::new(b"sums");
/// C(u, c), by user and consumer.
pub(crate) const BOUND: Table<u128> = Table::new(b"bound");
/// Σ sat that count, by user, consumer and provider.
pub(crate) const BOUND_FP: Table<u128> = Table::new(b"fp_bound");
/// By chain id.
pub(crate) const CONSUMERS: Table<Consumer> = Table::new(b"consumer");
/// Chain id, by external-staking contract.
pub(crate) const BY_CONTRACT: Table<String> = Table::new(b"contract");
pub(crate) const SLASHED: Table<Slashed> = Table::new(b"slashed");
/// Slashed providers with delegations left to settle.
pub(crate) const OPEN_SLASHES: Table<()> = Table::new(b"open_slash");

/// The consumer a lien holder serves.
pub(crate) fn consumer_of(s: &dyn Storage, contract: &str) -> StdResult<Option<(String, Consumer)>> {
    let Some(id) = BY_CONTRACT.may_load(s, &[contract.as_bytes()])? else { return Ok(None) };
    Ok(CONSUMERS.may_load(s, &[id.as_bytes()])?.filter(|c| c.contract == contract).map(|c| (id, c)))
}

fn shift(table: &Table<u128>, s: &mut dyn Storage, key: &[&[u8]], amount: u128, up: bool) -> StdResult<()> {
    let old = table.get(s, key)?;
    let new = if up { old.saturating_add(amount) } else { old.saturating_sub(amount) };
    if new == 0 {
        table.remove(s, key)
    } else {
        table.save(s, key, &new)
    }
    Ok(())
}

/// Adds a delegation to the sums of its user, or takes it out.
pub(crate) fn count(s: &mut dyn Storage, d: &Delegation, up: bool) -> StdResult<()> {
    let (user, sat) = (d.user.as_bytes(), u128::from(d.sat));
    let mut sums = SUMS.get(s, &[user])?;
    if up {
        sums.sat = sums.sat.saturating_add(sat);
        sums.at_stake = sums.at_stake.saturating_add(d.at_stake());
    } else {
        sums.sat = sums.sat.saturating_sub(sat);
        sums.at_stake = sums.at_stake.saturating_sub(d.at_stake());
    }
    SUMS.save(s, &[user], &sums);
    for (consumer, fp) in &d.fps {
        shift(&BOUND, s, &[user, consumer.as_bytes()], sat, up)?;
        shift(&BOUND_FP, s, &[user, consumer.as_bytes(), fp.as_bytes()], sat, up)?;
    }
    Ok(())
}
