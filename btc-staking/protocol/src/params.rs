//! Staking parameters: raw record, checked record, versions (spec §4).
//!
//! A [`ParamsUnchecked`] is what governance or a file says; [`Params`] is the only form that rules accept, with the
//! static script parts laid out. Versions are immutable and chosen by Bitcoin height ([`ParamsVersions`]): a stake keeps
//! the version under which it was registered for its whole life.

mod decimal;
mod packed;
mod phase1;
mod unchecked;
mod versions;

use alloc::vec::Vec;

pub use decimal::{Decimal, DecimalError};
pub use packed::PackedParamsError;
pub use phase1::{Cap, CapError, CapTally};
pub use unchecked::{ParamsError, ParamsUnchecked};
pub use versions::{NoParamsForHeight, ParamsVersions, VersionOrderError, version_for_height};

use crate::keys::{Covenants, Stakers};
use crate::script::ScriptTemplates;
use crate::timelock::{StakingTime, UnbondingTime};
use crate::tx::Sat;
use crate::tx::slashing::SlashingTerms;

/// One checked version of the staking parameters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Params {
    scripts: ScriptTemplates,
    min_staking_value: Sat,
    max_staking_value: Sat,
    min_staking_time: StakingTime,
    max_staking_time: StakingTime,
    slashing: SlashingTerms,
    unbonding_time: UnbondingTime,
    unbonding_fee: Sat,
    min_commission_rate: Decimal,
    delegation_creation_base_gas_fee: u64,
    allow_list_expiration_height: u64,
    btc_activation_height: u32,
    max_finality_providers: u32,
    max_staker_quorum: u32,
    max_staker_num: u32,
}

impl Params {
    /// Returns the committee.
    #[must_use]
    pub fn covenants(&self) -> &Covenants {
        self.scripts.covenants()
    }

    /// Returns the script parts that the committee fixes.
    #[must_use]
    pub fn scripts(&self) -> &ScriptTemplates {
        &self.scripts
    }

    /// Returns the least value of a stake.
    #[must_use]
    pub fn min_staking_value(&self) -> Sat {
        self.min_staking_value
    }

    /// Returns the greatest value of a stake.
    #[must_use]
    pub fn max_staking_value(&self) -> Sat {
        self.max_staking_value
    }

    /// Returns the shortest staking time.
    #[must_use]
    pub fn min_staking_time(&self) -> StakingTime {
        self.min_staking_time
    }

    /// Returns the longest staking time.
    #[must_use]
    pub fn max_staking_time(&self) -> StakingTime {
        self.max_staking_time
    }

    /// Returns script, rate, rounding and least fee of slashing.
    #[must_use]
    pub fn slashing(&self) -> &SlashingTerms {
        &self.slashing
    }

    /// Returns how long coins stay locked after unbonding.
    #[must_use]
    pub fn unbonding_time(&self) -> UnbondingTime {
        self.unbonding_time
    }

    /// Returns the exact fee of an unbonding transaction.
    #[must_use]
    pub fn unbonding_fee(&self) -> Sat {
        self.unbonding_fee
    }

    /// Returns the least commission of a provider.
    #[must_use]
    pub fn min_commission_rate(&self) -> Decimal {
        self.min_commission_rate
    }

    /// Returns the gas charged for a registration before inclusion.
    #[must_use]
    pub fn delegation_creation_base_gas_fee(&self) -> u64 {
        self.delegation_creation_base_gas_fee
    }

    /// Returns the Bitcoin height from which the version applies.
    #[must_use]
    pub fn btc_activation_height(&self) -> u32 {
        self.btc_activation_height
    }

    /// Returns how many providers one stake may name.
    #[must_use]
    pub fn max_finality_providers(&self) -> u32 {
        self.max_finality_providers
    }

    /// Tells whether only listed staking transactions may be registered at a height of the chain.
    #[must_use]
    pub fn allow_list_applies(&self, chain_height: u64) -> bool {
        chain_height < self.allow_list_expiration_height
    }

    /// Tells whether an owner of this kind may stake.
    #[must_use]
    pub fn allows_stakers(&self, stakers: &Stakers) -> bool {
        let num = u32::try_from(stakers.keys().len()).unwrap_or(u32::MAX);
        let single = num == 1 && stakers.quorum() == 1;
        single || (num <= self.max_staker_num && stakers.quorum() <= self.max_staker_quorum)
    }

    /// Tells whether `value` is an allowed stake.
    #[must_use]
    pub fn allows_value(&self, value: Sat) -> bool {
        (self.min_staking_value..=self.max_staking_value).contains(&value)
    }

    /// Tells whether `time` is an allowed staking time.
    #[must_use]
    pub fn allows_time(&self, time: StakingTime) -> bool {
        (self.min_staking_time..=self.max_staking_time).contains(&time)
    }

    /// Tells whether a stake under these parameters may be expanded into one under `next`: the new committee must
    /// still contain a quorum of the old one, or the old stake could never be moved.
    #[must_use]
    pub fn can_expand_into(&self, next: &Self) -> bool {
        let quorum = usize::try_from(self.covenants().quorum()).unwrap_or(usize::MAX);
        self.covenants().overlap(next.covenants()) >= quorum
    }

    /// Returns the raw record again.
    #[must_use]
    pub fn to_unchecked(&self) -> ParamsUnchecked {
        let signed = |sat: Sat| i64::try_from(sat.0).unwrap_or(i64::MAX);
        ParamsUnchecked {
            covenant_pks: self.covenants().keys().iter().map(|key| key.to_bytes()).collect(),
            covenant_quorum: self.covenants().quorum(),
            min_staking_value_sat: signed(self.min_staking_value),
            max_staking_value_sat: signed(self.max_staking_value),
            min_staking_time_blocks: self.min_staking_time.sequence(),
            max_staking_time_blocks: self.max_staking_time.sequence(),
            slashing_pk_script: self.slashing.pk_script.clone(),
            min_slashing_tx_fee_sat: signed(self.slashing.min_fee),
            slashing_rate: alloc::format!("{}", self.slashing.rate),
            slash_rounding: self.slashing.rounding,
            unbonding_time_blocks: self.unbonding_time.sequence(),
            unbonding_fee_sat: signed(self.unbonding_fee),
            min_commission_rate: alloc::format!("{}", self.min_commission_rate),
            delegation_creation_base_gas_fee: self.delegation_creation_base_gas_fee,
            allow_list_expiration_height: self.allow_list_expiration_height,
            btc_activation_height: self.btc_activation_height,
            max_finality_providers: self.max_finality_providers,
            max_staker_quorum: self.max_staker_quorum,
            max_staker_num: self.max_staker_num,
        }
    }
}

/// Keys of a checked committee, for storage.
pub(crate) fn covenant_bytes(covenants: &Covenants) -> Vec<[u8; 32]> {
    covenants.keys().iter().map(|key| key.to_bytes()).collect()
}
