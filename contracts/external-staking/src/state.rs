//! What external-staking stores.

use crate::crdt::Validator;
use crate::error::ExecuteError;
use cosmwasm_std::{MessageInfo, StdResult, Storage};
use mesh_accounting::pool::{Pool, Position, Slash};
use mesh_accounting::store::{Cell, Packed, Table};
use mesh_accounting::{Ratio, ValueRange};
use staking_api::mesh::Coin;

/// Validators one user may stake with; bounds the work of a burn or a withdrawal.
pub(crate) const MAX_POSITIONS: usize = 50;
/// Unbondings one user may have with one validator.
pub(crate) const MAX_UNBONDS: usize = 50;
/// Slashes applied to one position in one message at most.
pub(crate) const MAX_SETTLE: u32 = 50;

/// Settings.
pub(crate) struct Config {
    pub(crate) denom: String,
    pub(crate) rewards_denom: String,
    pub(crate) vault: String,
    /// Seconds.
    pub(crate) unbonding_period: u64,
    pub(crate) connection: String,
    pub(crate) remote_port: String,
    pub(crate) dsign: Ratio,
    pub(crate) offline: Ratio,
    pub(crate) admin: Option<String>,
}
mesh_accounting::packed!(Config {
    denom,
    rewards_denom,
    vault,
    unbonding_period,
    connection,
    remote_port,
    dsign,
    offline,
    admin,
});

/// What a pending transaction does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Stake,
    Unstake,
    Rewards,
}

impl Packed for Kind {
    fn write(&self, out: &mut Vec<u8>) {
        out.push(match self {
            Self::Stake => 0,
            Self::Unstake => 1,
            Self::Rewards => 2,
        });
    }
    fn read(from: &mut &[u8]) -> Option<Self> {
        match u8::read(from)? {
            0 => Some(Self::Stake),
            1 => Some(Self::Unstake),
            2 => Some(Self::Rewards),
            _ => None,
        }
    }
}

/// A pending transaction.
#[derive(Clone, Debug)]
pub(crate) struct Tx {
    pub(crate) kind: Kind,
    pub(crate) user: String,
    pub(crate) validator: String,
    pub(crate) amount: u128,
    /// Times the packet was sent.
    pub(crate) sent: u8,
}
mesh_accounting::packed!(Tx { kind, user, validator, amount, sent });

/// The vault's lien on a user as it follows from what we told it, and what we hold for it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Account {
    pub(crate) lien: ValueRange,
    /// Σ of the user's positions.
    pub(crate) held: u128,
    /// Stakes on their way.
    pub(crate) pending: u32,
}
mesh_accounting::packed!(Account { lien, held, pending });

/// How far slashes of a validator have been applied to its stakers.
#[derive(Clone, Debug, Default)]
pub(crate) struct Settled {
    /// Slashes applied to all.
    pub(crate) all: u32,
    /// Slashes there were when the pass under way began.
    pub(crate) upto: u32,
    /// Last staker of that pass.
    pub(crate) after: Option<String>,
}
mesh_accounting::packed!(Settled { all, upto, after });

pub(crate) const CONFIG: Cell<Config> = Cell::new(b"config");
/// Last own transaction id; the vault's are below 2^63.
pub(crate) const LAST_TX: Cell<u64> = Cell::new(b"last_tx");
pub(crate) const TXS: Table<Tx> = Table::new(b"tx");
pub(crate) const POOLS: Table<Pool> = Table::new(b"pool");
pub(crate) const SLASHES: Table<Slash> = Table::new(b"slash");
pub(crate) const POSITIONS: Table<Position> = Table::new(b"pos");
pub(crate) const STAKERS: Table<()> = Table::new(b"staker");
pub(crate) const SETTLED: Table<Settled> = Table::new(b"done");
pub(crate) const ACCOUNTS: Table<Account> = Table::new(b"acc");
pub(crate) const VALIDATORS: Table<Validator> = Table::new(b"val");

impl Config {
    pub(crate) fn only_vault(&self, info: &MessageInfo) -> Result<(), ExecuteError> {
        match info.sender.as_str() == self.vault {
            true => Ok(()),
            false => Err(ExecuteError::NotVault(info.sender.to_string())),
        }
    }

    pub(crate) fn amount(&self, c: &Coin) -> Result<u128, ExecuteError> {
        if c.denom != self.denom {
            return Err(ExecuteError::Denom { expected: self.denom.clone(), got: c.denom.clone() });
        }
        Ok(c.amount.0)
    }
}

/// A fresh id of our own.
pub(crate) fn next_tx(s: &mut dyn Storage) -> StdResult<u64> {
    let id = LAST_TX.may_load(s)?.map_or(1 << 63, |id| id.wrapping_add(1) | 1 << 63);
    LAST_TX.save(s, &id);
    Ok(id)
}

/// A user's stake with one validator, opened for a change; [`Open::close`] writes everything back.
pub(crate) struct Open {
    pub(crate) user: String,
    pub(crate) validator: String,
    pub(crate) pool: Pool,
    pub(crate) position: Position,
    /// Lost by slashes applied since it was opened.
    pub(crate) lost: u128,
    held_before: u128,
}

impl Open {
    pub(crate) fn load(s: &dyn Storage, user: &str, validator: &str) -> StdResult<Self> {
        let pool = POOLS.get(s, &[validator.as_bytes()])?;
        let stored = POSITIONS.may_load(s, &[user.as_bytes(), validator.as_bytes()])?;
        let position = stored.unwrap_or_else(|| Position::opened(&pool));
        let held_before = position.held();
        Ok(Self { user: user.into(), validator: validator.into(), pool, position, lost: 0, held_before })
    }

    /// Applies recorded slashes, up to a bound; the vault is told of `lost` by the caller.
    pub(crate) fn settle(&mut self, s: &dyn Storage) -> StdResult<()> {
        for _ in 0..MAX_SETTLE {
            if self.position.is_settled(&self.pool) {
                break;
            }
            let n = self.position.seen.to_be_bytes();
            let slash = SLASHES.load(s, &[self.validator.as_bytes(), &n])?;
            self.lost = self.lost.saturating_add(self.position.apply(&slash));
        }
        Ok(())
    }

    /// As [`Self::settle`], refusing where slashes remain.
    pub(crate) fn settle_fully(&mut self, s: &dyn Storage) -> Result<(), ExecuteError> {
        self.settle(s)?;
        match self.pool.slashes.saturating_sub(self.position.seen) {
            0 => Ok(()),
            n => Err(ExecuteError::Unsettled(n)),
        }
    }

    /// Writes back, and changes the user's account by what happened and by `change`.
    pub(crate) fn close(self, s: &mut dyn Storage, change: impl FnOnce(&mut Account)) -> StdResult<Account> {
        let (user, validator, held) = (self.user.as_bytes(), self.validator.as_bytes(), self.position.held());
        let mut account = ACCOUNTS.get(s, &[user])?;
        account.held = account.held.saturating_sub(self.held_before).saturating_add(held);
        account.lien.cut(self.lost);
        change(&mut account);
        POOLS.save(s, &[validator], &self.pool);
        if held == 0 && account.pending == 0 && self.position.earned.points == 0 {
            POSITIONS.remove(s, &[user, validator]);
            STAKERS.remove(s, &[validator, user]);
        } else {
            POSITIONS.save(s, &[user, validator], &self.position);
            STAKERS.save(s, &[validator, user], &());
        }
        ACCOUNTS.save(s, &[user], &account);
        Ok(account)
    }
}
