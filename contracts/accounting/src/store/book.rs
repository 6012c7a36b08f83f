//! The lien book of a vault: liens, pending transactions, burn debts (mesh-security.md §4, §16.3–16.4).
//!
//! What the collateral is and where it lives is the business of an [`ExternalCustody`]: coins in the vault, or
//! outputs on Bitcoin. Only `stake` can be refused; whatever a lien holder reports afterwards is clamped to what
//! exists and accepted, because it comes from an IBC handler that must not fail (T1, T4, T4b, T10).

use super::{Cell, Packed, Table, table};
use crate::shrink::shrink;
use crate::{Lien, Ratio, Totals, ValueRange};
use cosmwasm_std::{StdError, StdResult, Storage};
use std::string::String;
use std::vec::Vec;
use thiserror::Error;

/// Lien holders one user may have at a time; bounds the work of every message about a user.
pub const MAX_LIENS: usize = 32;

/// Collateral that the chain only knows of, or holds; all amounts in its own smallest unit.
pub trait ExternalCustody {
    /// What counts as collateral of a user, C(u).
    ///
    /// # Errors
    /// When stored state is damaged.
    fn active_amount(&self, s: &dyn Storage, user: &str) -> StdResult<u128>;

    /// The part of it that backs one lien holder, C(u, c).
    ///
    /// # Errors
    /// When stored state is damaged.
    fn capacity(&self, s: &dyn Storage, user: &str, holder: &str) -> StdResult<u128>;

    /// What a slashing can really take, S(u).
    ///
    /// # Errors
    /// When stored state is damaged.
    fn slash_capacity(&self, s: &dyn Storage, user: &str) -> StdResult<u128>;

    /// A key has misbehaved at a consumer: takes up to `limit` more of the positions it governs out of the
    /// backing. Returns their users, and whether all are done.
    ///
    /// # Errors
    /// When stored state is damaged.
    fn on_fault(
        &self,
        s: &mut dyn Storage,
        consumer: &str,
        key: &str,
        limit: usize,
    ) -> StdResult<(Vec<String>, bool)>;

    /// A position is leaving: takes it out of the backing. Returns its user if it counted.
    ///
    /// # Errors
    /// When stored state is damaged.
    fn on_exit(&self, s: &mut dyn Storage, position: &str) -> StdResult<Option<String>>;
}

/// Terms of a lien holder.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Terms {
    /// Share that one fault may cost.
    pub ratio: Ratio,
    /// Whether it shares slash capacity.
    pub shared: bool,
}

/// A pending transaction.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pending {
    /// Whose lien.
    pub user: String,
    /// With whom.
    pub holder: String,
    /// How much.
    pub amount: u128,
    /// Ratio when it was made.
    pub ratio: Ratio,
}
crate::packed!(Pending { user, holder, amount, ratio });

/// An amount a lien holder has to burn.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Burn {
    /// Who burns.
    pub holder: String,
    /// How much.
    pub amount: u128,
}

/// Why a lien was refused.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum BookError {
    /// Stored state is damaged.
    #[error(transparent)]
    Std(#[from] StdError),
    /// A stake of nothing.
    #[error("amount is zero")]
    Zero,
    /// The lien would exceed what backs this holder.
    #[error("lien of {value} exceeds the {bound} that back it")]
    LienExceedsBacking {
        /// The lien there would be.
        value: u128,
        /// Its bound.
        bound: u128,
    },
    /// The promises would exceed what can be slashed.
    #[error("promises of {value} exceed the slash capacity of {bound}")]
    PromisesExceedCapacity {
        /// Promises there would be.
        value: u128,
        /// The slash capacity.
        bound: u128,
    },
    /// The user has liens with too many holders.
    #[error("a user may have liens with {MAX_LIENS} holders at most")]
    TooManyLiens,
}

/// How a lien holder's answer was taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// Applied.
    Done(Pending),
    /// No such transaction (any more): nothing changed.
    Unknown,
    /// The transaction is another holder's: nothing changed.
    NotYours,
}

/// What a slash took.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Slashed {
    /// Off the lien.
    pub lien: u128,
    /// Off the collateral: at most the agreed ratio of the lien (T7).
    pub collateral: u128,
}

/// Access to the book; state is the contract's storage.
pub struct Book;

const LIENS: Table<Lien> = Table::new(b"mesh/lien");
const PENDING: Table<Pending> = Table::new(b"mesh/tx");
const LAST_TX: Cell<u64> = Cell::new(b"mesh/last_tx");
const DEBTS: Table<u128> = Table::new(b"mesh/debt");
/// Σ of the high ends of its liens, by holder.
const HOLDERS: Table<u128> = Table::new(b"mesh/holder");

type Liens = Vec<(String, Lien)>;

fn load(s: &dyn Storage, user: &str) -> StdResult<Liens> {
    let rows = LIENS.list(s, &[user.as_bytes()], None, MAX_LIENS)?;
    rows.into_iter().map(|(k, l)| Ok((table::text(k)?, l))).collect()
}

fn save(s: &mut dyn Storage, user: &str, holder: &str, lien: &Lien) -> StdResult<()> {
    let key: [&[u8]; 2] = [user.as_bytes(), holder.as_bytes()];
    let (old, sum) = (LIENS.get(s, &key)?.amount.high, HOLDERS.get(s, &[holder.as_bytes()])?);
    if old != lien.amount.high {
        let sum = sum.saturating_sub(old).saturating_add(lien.amount.high);
        HOLDERS.save(s, &[holder.as_bytes()], &sum);
    }
    if lien.amount.high == 0 {
        LIENS.remove(s, &key);
    } else {
        LIENS.save(s, &key, lien);
    }
    Ok(())
}

impl Book {
    /// Makes or raises a lien for certain.
    ///
    /// # Errors
    /// When the backing does not carry it.
    pub fn stake(
        s: &mut dyn Storage,
        custody: &impl ExternalCustody,
        user: &str,
        holder: &str,
        terms: Terms,
        amount: u128,
    ) -> Result<(), BookError> {
        let mut lien = Self::raise(s, custody, user, holder, terms, amount)?;
        lien.amount.commit_add(amount);
        save(s, user, holder, &lien)?;
        Ok(())
    }

    /// Starts a lien that its holder will confirm or void; returns the transaction id.
    ///
    /// # Errors
    /// When the backing does not carry it.
    pub fn begin(
        s: &mut dyn Storage,
        custody: &impl ExternalCustody,
        user: &str,
        holder: &str,
        terms: Terms,
        amount: u128,
    ) -> Result<u64, BookError> {
        let lien = Self::raise(s, custody, user, holder, terms, amount)?;
        save(s, user, holder, &lien)?;
        let id = LAST_TX.get(s)?.checked_add(1).ok_or_else(|| StdError::msg("out of transaction ids"))?;
        LAST_TX.save(s, &id);
        let tx = Pending { user: user.into(), holder: holder.into(), amount, ratio: terms.ratio };
        PENDING.save(s, &[&id.to_be_bytes()], &tx);
        Ok(id)
    }

    fn raise(
        s: &mut dyn Storage,
        custody: &impl ExternalCustody,
        user: &str,
        holder: &str,
        terms: Terms,
        amount: u128,
    ) -> Result<Lien, BookError> {
        if amount == 0 {
            return Err(BookError::Zero);
        }
        let mut liens = load(s, user)?;
        let at = match liens.iter().position(|(h, _)| h == holder) {
            Some(i) => i,
            None if liens.len() < MAX_LIENS => {
                liens.push((
                    holder.into(),
                    Lien { ratio: terms.ratio, shared: terms.shared, ..Lien::default() },
                ));
                liens.len() - 1
            }
            None => return Err(BookError::TooManyLiens),
        };
        let bound = custody.capacity(s, user, holder)?.min(custody.active_amount(s, user)?);
        let exceeds =
            |e: crate::range::OutOfBounds| BookError::LienExceedsBacking { value: e.value, bound: e.bound };
        liens[at].1.amount.prepare_add(amount, bound).map_err(exceeds)?;
        let promised = Totals::of(liens.iter().map(|(_, l)| l)).slashable.high;
        let capacity = custody.slash_capacity(s, user)?;
        if promised > capacity {
            return Err(BookError::PromisesExceedCapacity { value: promised, bound: capacity });
        }
        Ok(liens[at].1)
    }

    /// The holder confirms; never refused.
    ///
    /// # Errors
    /// When stored state is damaged.
    pub fn commit(s: &mut dyn Storage, holder: &str, id: u64) -> StdResult<Answer> {
        Self::answer(s, holder, id, |lien, x| lien.amount.commit_add(x))
    }

    /// The holder voids; never refused.
    ///
    /// # Errors
    /// When stored state is damaged.
    pub fn rollback(s: &mut dyn Storage, holder: &str, id: u64) -> StdResult<Answer> {
        Self::answer(s, holder, id, |lien, x| lien.amount.rollback_add(x))
    }

    fn answer(
        s: &mut dyn Storage,
        holder: &str,
        id: u64,
        change: impl Fn(&mut Lien, u128) -> u128,
    ) -> StdResult<Answer> {
        let Some(tx) = PENDING.may_load(s, &[&id.to_be_bytes()])? else { return Ok(Answer::Unknown) };
        if tx.holder != holder {
            return Ok(Answer::NotYours);
        }
        PENDING.remove(s, &[&id.to_be_bytes()]);
        let mut lien = Self::lien(s, &tx.user, holder)?;
        change(&mut lien, tx.amount);
        save(s, &tx.user, holder, &lien)?;
        Ok(Answer::Done(tx))
    }

    /// The holder gives up to `amount` back; returns what came off the lien. What exceeds it pays a debt off.
    ///
    /// # Errors
    /// When stored state is damaged.
    pub fn release(s: &mut dyn Storage, user: &str, holder: &str, amount: u128) -> StdResult<u128> {
        let mut lien = Self::lien(s, user, holder)?;
        let taken = lien.amount.cut_both(amount);
        save(s, user, holder, &lien)?;
        Self::pay_debt(s, user, holder, amount - taken)?;
        Ok(taken)
    }

    /// What a holder no longer has it need not burn any more.
    fn pay_debt(s: &mut dyn Storage, user: &str, holder: &str, amount: u128) -> StdResult<()> {
        if amount > 0 {
            let debt = Self::debt(s, user, holder)?;
            Self::set_debt(s, user, holder, debt.saturating_sub(amount));
        }
        Ok(())
    }

    /// The holder reports a slash of `amount`. Cuts the lien, and beyond it what was still to be burned; the caller
    /// takes `collateral` off what it keeps and calls [`Self::rebalance`].
    ///
    /// # Errors
    /// When stored state is damaged.
    pub fn slash(s: &mut dyn Storage, user: &str, holder: &str, amount: u128) -> StdResult<Slashed> {
        let mut lien = Self::lien(s, user, holder)?;
        let most = lien.ratio.ceil(lien.amount.high);
        let taken = lien.amount.cut(amount);
        save(s, user, holder, &lien)?;
        Self::pay_debt(s, user, holder, amount - taken)?;
        Ok(Slashed { lien: taken, collateral: taken.min(most) })
    }

    /// Brings the liens of a user within the backing; returns what holders must burn.
    ///
    /// # Errors
    /// When stored state is damaged.
    pub fn rebalance(
        s: &mut dyn Storage,
        custody: &impl ExternalCustody,
        user: &str,
    ) -> StdResult<Vec<Burn>> {
        let named = load(s, user)?;
        let collateral = custody.active_amount(s, user)?;
        let mut caps = Vec::with_capacity(named.len());
        for (holder, _) in &named {
            caps.push(custody.capacity(s, user, holder)?.min(collateral));
        }
        let mut liens: Vec<Lien> = named.iter().map(|(_, l)| *l).collect();
        let cuts = shrink(&mut liens, &caps, custody.slash_capacity(s, user)?);
        let mut burns = Vec::new();
        for (((holder, _), lien), cut) in named.into_iter().zip(liens).zip(cuts) {
            if cut > 0 {
                save(s, user, &holder, &lien)?;
                burns.push(Burn { holder, amount: cut });
            }
        }
        Ok(burns)
    }

    /// A lien; empty when there is none.
    ///
    /// # Errors
    /// When stored state is damaged.
    pub fn lien(s: &dyn Storage, user: &str, holder: &str) -> StdResult<Lien> {
        LIENS.get(s, &[user.as_bytes(), holder.as_bytes()])
    }

    /// The liens of a user, by holder.
    ///
    /// # Errors
    /// When stored state is damaged.
    pub fn liens(s: &dyn Storage, user: &str) -> StdResult<Vec<(String, Lien)>> {
        load(s, user)
    }

    /// What the liens of a user add up to.
    ///
    /// # Errors
    /// When stored state is damaged.
    pub fn totals(s: &dyn Storage, user: &str) -> StdResult<Totals> {
        Ok(Totals::of(load(s, user)?.iter().map(|(_, l)| l)))
    }

    /// Collateral of a user that no lien needs.
    ///
    /// # Errors
    /// When stored state is damaged.
    pub fn free(s: &dyn Storage, custody: &impl ExternalCustody, user: &str) -> StdResult<ValueRange> {
        let (c, cap) = (custody.active_amount(s, user)?, custody.slash_capacity(s, user)?);
        Ok(Self::totals(s, user)?.free(c, cap))
    }

    /// A pending transaction.
    ///
    /// # Errors
    /// When stored state is damaged.
    pub fn pending(s: &dyn Storage, id: u64) -> StdResult<Option<Pending>> {
        PENDING.may_load(s, &[&id.to_be_bytes()])
    }

    /// Pending transactions before `before`, newest first.
    ///
    /// # Errors
    /// When stored state is damaged.
    pub fn pending_desc(
        s: &dyn Storage,
        before: Option<u64>,
        limit: usize,
    ) -> StdResult<Vec<(u64, Pending)>> {
        let before = before.map(u64::to_be_bytes);
        let rows = PENDING.list_desc(s, &[], before.as_ref().map(|b| b.as_slice()), limit)?;
        Ok(rows.into_iter().filter_map(|(k, tx)| Some((u64::read(&mut k.as_slice())?, tx))).collect())
    }

    /// What a holder still has to burn.
    ///
    /// # Errors
    /// When stored state is damaged.
    pub fn debt(s: &dyn Storage, user: &str, holder: &str) -> StdResult<u128> {
        DEBTS.get(s, &[user.as_bytes(), holder.as_bytes()])
    }

    /// Debts of all holders of a user.
    ///
    /// # Errors
    /// When stored state is damaged.
    pub fn debts(s: &dyn Storage, user: &str) -> StdResult<Vec<(String, u128)>> {
        let rows = DEBTS.list(s, &[user.as_bytes()], None, MAX_LIENS * 2)?;
        rows.into_iter().map(|(k, d)| Ok((table::text(k)?, d))).collect()
    }

    /// Sets what a holder still has to burn.
    pub fn set_debt(s: &mut dyn Storage, user: &str, holder: &str, debt: u128) {
        let key: [&[u8]; 2] = [user.as_bytes(), holder.as_bytes()];
        if debt == 0 { DEBTS.remove(s, &key) } else { DEBTS.save(s, &key, &debt) }
    }

    /// Every contract that ever held a lien, by address.
    ///
    /// # Errors
    /// When stored state is damaged.
    pub fn holders(s: &dyn Storage, limit: usize) -> StdResult<Vec<String>> {
        HOLDERS.list(s, &[], None, limit)?.into_iter().map(|(k, _)| table::text(k)).collect()
    }

    /// Σ of the liens of one holder, high ends.
    ///
    /// # Errors
    /// When stored state is damaged.
    pub fn held_by(s: &dyn Storage, holder: &str) -> StdResult<u128> {
        HOLDERS.get(s, &[holder.as_bytes()])
    }
}
