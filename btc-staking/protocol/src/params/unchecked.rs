//! The raw parameter record and the rules that make it a [`Params`].

use alloc::string::String;
use alloc::vec::Vec;
use staking_crypto::PointError;

use super::Params;
use super::decimal::{Decimal, DecimalError};
use crate::keys::{CovenantKey, Covenants, KeySetError};
use crate::script::ScriptTemplates;
use crate::timelock::{LockTimeError, StakingTime, UnbondingTime};
use crate::tx::dust::is_dust_unless_burn;
use crate::tx::slash_amount::{RateError, SlashRounding, SlashingRate};
use crate::tx::slashing::SlashingTerms;
use crate::tx::{Sat, TxOut};

/// Staking parameters as governance or a file states them; fields as in spec §4.1.
///
/// With feature `serde`: byte strings are lower-case hex, absent fields take the default.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(default))]
pub struct ParamsUnchecked {
    /// x-only keys of the committee.
    #[cfg_attr(feature = "serde", serde(with = "super::unchecked::hex_keys"))]
    pub covenant_pks: Vec<[u8; 32]>,
    /// Signatures required of it.
    pub covenant_quorum: u32,
    /// Least value of a stake, in satoshi.
    pub min_staking_value_sat: i64,
    /// Greatest value of a stake, in satoshi.
    pub max_staking_value_sat: i64,
    /// Shortest staking time, in blocks.
    pub min_staking_time_blocks: u32,
    /// Longest staking time, in blocks.
    pub max_staking_time_blocks: u32,
    /// Where slashed coins go.
    #[cfg_attr(feature = "serde", serde(with = "super::unchecked::hex_bytes"))]
    pub slashing_pk_script: Vec<u8>,
    /// Least fee of a slashing transaction, in satoshi.
    pub min_slashing_tx_fee_sat: i64,
    /// Slashed share, as a decimal.
    pub slashing_rate: String,
    /// How the slashed amount is rounded.
    pub slash_rounding: SlashRounding,
    /// Lock after unbonding, in blocks.
    pub unbonding_time_blocks: u32,
    /// Fee of the unbonding transaction, in satoshi.
    pub unbonding_fee_sat: i64,
    /// Least commission of a provider, as a decimal.
    pub min_commission_rate: String,
    /// Gas charged for a registration before inclusion.
    pub delegation_creation_base_gas_fee: u64,
    /// Height of the chain before which only listed transactions are accepted; 0 for no list.
    pub allow_list_expiration_height: u64,
    /// Bitcoin height from which the version applies.
    pub btc_activation_height: u32,
    /// How many providers one stake may name.
    pub max_finality_providers: u32,
    /// Greatest quorum of a stake with several keys.
    pub max_staker_quorum: u32,
    /// Greatest number of keys of a stake.
    pub max_staker_num: u32,
}

impl Default for ParamsUnchecked {
    /// Nothing that could pass by accident: only the optional fields are filled.
    fn default() -> Self {
        Self {
            covenant_pks: Vec::new(),
            covenant_quorum: 0,
            min_staking_value_sat: 0,
            max_staking_value_sat: 0,
            min_staking_time_blocks: 0,
            max_staking_time_blocks: 0,
            slashing_pk_script: Vec::new(),
            min_slashing_tx_fee_sat: 0,
            slashing_rate: String::new(),
            slash_rounding: SlashRounding::Double,
            unbonding_time_blocks: 0,
            unbonding_fee_sat: 0,
            min_commission_rate: String::from("0"),
            delegation_creation_base_gas_fee: 0,
            allow_list_expiration_height: 0,
            btc_activation_height: 0,
            max_finality_providers: 1,
            max_staker_quorum: 1,
            max_staker_num: 1,
        }
    }
}

/// Which rule a parameter record breaks.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ParamsError {
    /// A covenant key is not below the field prime.
    #[error("covenant key: {0}")]
    CovenantKey(#[from] PointError),
    /// The committee is empty, has duplicates, keys off the curve, or an impossible quorum.
    #[error("covenant committee: {0}")]
    Committee(#[from] KeySetError),
    /// The quorum is not a majority.
    #[error("covenant quorum {quorum} is not more than half of {members}")]
    QuorumNotMajority {
        /// Signatures required.
        quorum: u32,
        /// Members.
        members: usize,
    },
    /// An amount must be positive.
    #[error("{field} must be positive, is {sat} sat")]
    NotPositive {
        /// Name of the field.
        field: &'static str,
        /// Its value.
        sat: i64,
    },
    /// A minimum is above its maximum.
    #[error("minimum of {0} is above its maximum")]
    MinAboveMax(&'static str),
    /// A time is not a relative lock.
    #[error("{field}: {error}")]
    LockTime {
        /// Name of the field.
        field: &'static str,
        /// What is wrong with it.
        error: LockTimeError,
    },
    /// Nowhere for slashed coins to go.
    #[error("slashing script is empty")]
    EmptySlashingScript,
    /// The slashing rate is not one.
    #[error("slashing rate: {0}")]
    SlashingRate(#[from] RateError),
    /// The unbonding fee takes the smallest stake whole.
    #[error("unbonding fee {fee} is not below the least stake {min_stake}")]
    UnbondingFee {
        /// The fee.
        fee: Sat,
        /// The least stake.
        min_stake: Sat,
    },
    /// What is slashed of the smallest stake is dust.
    #[error("slashed part {0} of the least stake is dust")]
    SlashIsDust(Sat),
    /// The commission is not a number.
    #[error("minimum commission: {0}")]
    CommissionNotANumber(#[from] DecimalError),
    /// The commission is not in 0..=1.
    #[error("minimum commission {0} is not between 0 and 1")]
    Commission(Decimal),
    /// No providers allowed.
    #[error("at least one finality provider must be allowed")]
    NoProviders,
    /// The quorum cap of stakers is not a majority of the key cap.
    #[error("staker caps: quorum {quorum} of {num} keys")]
    StakerCaps {
        /// Greatest quorum.
        quorum: u32,
        /// Greatest number of keys.
        num: u32,
    },
}

impl ParamsUnchecked {
    /// Checks the record.
    ///
    /// Stricter than Babylon: an empty committee, a quorum above its size and an empty slashing script are refused.
    ///
    /// # Errors
    /// The first broken rule.
    pub fn check(self) -> Result<Params, ParamsError> {
        let covenants = self.check_committee()?;
        let min_staking_value = positive("min_staking_value_sat", self.min_staking_value_sat)?;
        let max_staking_value = positive("max_staking_value_sat", self.max_staking_value_sat)?;
        if min_staking_value > max_staking_value {
            return Err(ParamsError::MinAboveMax("staking value"));
        }
        let (min_staking_time, max_staking_time) = self.check_times()?;
        let unbonding_fee = self.check_unbonding_fee(min_staking_value)?;
        let lock = |error| ParamsError::LockTime { field: "unbonding_time_blocks", error };
        let unbonding_time = UnbondingTime::new(self.unbonding_time_blocks).map_err(lock)?;
        let min_commission_rate = self.check_commission()?;
        self.check_caps()?;
        let (gas, expiration, activation) = (
            self.delegation_creation_base_gas_fee,
            self.allow_list_expiration_height,
            self.btc_activation_height,
        );
        let (max_providers, max_quorum, max_num) =
            (self.max_finality_providers, self.max_staker_quorum, self.max_staker_num);
        let slashing = self.check_slashing(min_staking_value, unbonding_fee)?;
        Ok(Params {
            scripts: ScriptTemplates::new(covenants),
            min_staking_value,
            max_staking_value,
            min_staking_time,
            max_staking_time,
            slashing,
            unbonding_time,
            unbonding_fee,
            min_commission_rate,
            delegation_creation_base_gas_fee: gas,
            allow_list_expiration_height: expiration,
            btc_activation_height: activation,
            max_finality_providers: max_providers,
            max_staker_quorum: max_quorum,
            max_staker_num: max_num,
        })
    }

    fn check_committee(&self) -> Result<Covenants, ParamsError> {
        let keys: Result<Vec<_>, _> = self.covenant_pks.iter().map(CovenantKey::from_bytes).collect();
        let covenants = Covenants::new(keys?, self.covenant_quorum)?;
        covenants.check_on_curve()?;
        let (quorum, members) = (self.covenant_quorum, covenants.keys().len());
        let twice = usize::try_from(quorum).unwrap_or(usize::MAX).saturating_mul(2);
        if twice > members { Ok(covenants) } else { Err(ParamsError::QuorumNotMajority { quorum, members }) }
    }

    fn check_times(&self) -> Result<(StakingTime, StakingTime), ParamsError> {
        let time =
            |field, blocks| StakingTime::new(blocks).map_err(|error| ParamsError::LockTime { field, error });
        let min = time("min_staking_time_blocks", self.min_staking_time_blocks)?;
        let max = time("max_staking_time_blocks", self.max_staking_time_blocks)?;
        if min <= max { Ok((min, max)) } else { Err(ParamsError::MinAboveMax("staking time")) }
    }

    fn check_unbonding_fee(&self, min_stake: Sat) -> Result<Sat, ParamsError> {
        let fee = positive("unbonding_fee_sat", self.unbonding_fee_sat)?;
        if fee < min_stake { Ok(fee) } else { Err(ParamsError::UnbondingFee { fee, min_stake }) }
    }

    fn check_commission(&self) -> Result<Decimal, ParamsError> {
        let rate = Decimal::parse(&self.min_commission_rate)?;
        if (Decimal::ZERO..=Decimal::ONE).contains(&rate) {
            Ok(rate)
        } else {
            Err(ParamsError::Commission(rate))
        }
    }

    fn check_caps(&self) -> Result<(), ParamsError> {
        if self.max_finality_providers == 0 {
            return Err(ParamsError::NoProviders);
        }
        let (quorum, num) = (self.max_staker_quorum, self.max_staker_num);
        let majority = quorum <= num && quorum.checked_mul(2).is_some_and(|twice| twice > num);
        if majority { Ok(()) } else { Err(ParamsError::StakerCaps { quorum, num }) }
    }

    fn check_slashing(self, min_stake: Sat, unbonding_fee: Sat) -> Result<SlashingTerms, ParamsError> {
        if self.slashing_pk_script.is_empty() {
            return Err(ParamsError::EmptySlashingScript);
        }
        let min_fee = positive("min_slashing_tx_fee_sat", self.min_slashing_tx_fee_sat)?;
        let rate = SlashingRate::parse(&self.slashing_rate)?;
        let terms = SlashingTerms {
            pk_script: self.slashing_pk_script,
            rate,
            rounding: self.slash_rounding,
            min_fee,
        };
        let smallest = min_stake.checked_sub(unbonding_fee).unwrap_or_default();
        let slashed = terms.slash(smallest).unwrap_or_default();
        let output = TxOut::new(slashed, terms.pk_script.as_slice());
        if is_dust_unless_burn(&output) { Err(ParamsError::SlashIsDust(slashed)) } else { Ok(terms) }
    }
}

fn positive(field: &'static str, sat: i64) -> Result<Sat, ParamsError> {
    match u64::try_from(sat) {
        Ok(value @ 1..) => Ok(Sat(value)),
        _ => Err(ParamsError::NotPositive { field, sat }),
    }
}

#[cfg(feature = "serde")]
pub(super) mod hex_bytes {
    //! Bytes as hex text.

    use alloc::string::String;
    use alloc::vec::Vec;
    use hex_conservative::{DisplayHex, FromHex};
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    pub(crate) fn serialize<S: Serializer>(bytes: &[u8], s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(&bytes.as_hex())
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(d: D) -> Result<Vec<u8>, D::Error> {
        Vec::from_hex(&String::deserialize(d)?).map_err(D::Error::custom)
    }
}

#[cfg(feature = "serde")]
pub(super) mod hex_keys {
    //! A list of 32-byte strings as hex text.

    use alloc::string::String;
    use alloc::vec::Vec;
    use hex_conservative::{DisplayHex, FromHex};
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    pub(crate) fn serialize<S: Serializer>(keys: &[[u8; 32]], s: S) -> Result<S::Ok, S::Error> {
        s.collect_seq(keys.iter().map(|key| alloc::format!("{}", key.as_hex())))
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(d: D) -> Result<Vec<[u8; 32]>, D::Error> {
        let keys = Vec::<String>::deserialize(d)?;
        keys.iter().map(|key| <[u8; 32]>::from_hex(key).map_err(D::Error::custom)).collect()
    }
}
