//! Fixed binary form of checked parameters, for a contract's own storage.
//!
//! Reading it back checks the shape, not the rules: it must come from [`Params::pack`] and from a place that nobody
//! else can write.

use alloc::vec::Vec;
use staking_crypto::PointError;

use super::{Decimal, Params, covenant_bytes};
use crate::keys::{CovenantKey, Covenants};
use crate::script::ScriptTemplates;
use crate::timelock::{LockTimeError, StakingTime, UnbondingTime};
use crate::tx::Sat;
use crate::tx::slash_amount::{RateError, SlashRounding, SlashingRate};
use crate::tx::slashing::SlashingTerms;

/// First byte of the form.
const FORMAT: u8 = 1;

/// The stored bytes are not packed parameters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PackedParamsError {
    /// Wrong length or format byte.
    #[error("stored parameters are cut off or of another format")]
    Shape,
    /// A stored key is not one.
    #[error("stored covenant key: {0}")]
    Key(#[from] PointError),
    /// A stored time is not one.
    #[error("stored time: {0}")]
    Time(#[from] LockTimeError),
    /// The stored rate is not one.
    #[error("stored rate: {0}")]
    Rate(#[from] RateError),
}

impl Params {
    /// Returns the binary form.
    #[must_use]
    pub fn pack(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(512);
        out.push(FORMAT);
        for sat in [self.min_staking_value, self.max_staking_value, self.slashing.min_fee, self.unbonding_fee]
        {
            out.extend_from_slice(&sat.0.to_be_bytes());
        }
        let times =
            [self.min_staking_time.blocks(), self.max_staking_time.blocks(), self.unbonding_time.blocks()];
        for short in times.into_iter().chain([self.slashing.rate.ten_thousandths()]) {
            out.extend_from_slice(&short.to_be_bytes());
        }
        out.push(u8::from(self.slashing.rounding == SlashRounding::ExactHalfUp));
        out.extend_from_slice(&self.min_commission_rate.atto().to_be_bytes());
        for long in [self.delegation_creation_base_gas_fee, self.allow_list_expiration_height] {
            out.extend_from_slice(&long.to_be_bytes());
        }
        let caps = [self.max_finality_providers, self.max_staker_quorum, self.max_staker_num];
        for word in [self.btc_activation_height].into_iter().chain(caps).chain([self.covenants().quorum()]) {
            out.extend_from_slice(&word.to_be_bytes());
        }
        let keys = covenant_bytes(self.covenants());
        out.extend_from_slice(&u32::try_from(keys.len()).unwrap_or(u32::MAX).to_be_bytes());
        keys.iter().for_each(|key| out.extend_from_slice(key));
        out.extend_from_slice(&self.slashing.pk_script);
        out
    }

    /// Reads the binary form from trusted storage.
    ///
    /// # Errors
    /// [`PackedParamsError`].
    pub fn unpack(bytes: &[u8]) -> Result<Self, PackedParamsError> {
        let mut r = Unpack(bytes);
        if r.array()? != [FORMAT] {
            return Err(PackedParamsError::Shape);
        }
        let [min_staking_value, max_staking_value, min_fee, unbonding_fee] =
            [r.sat()?, r.sat()?, r.sat()?, r.sat()?];
        let (min_time, max_time, unbonding_time) = (r.short()?, r.short()?, r.short()?);
        let rate = SlashingRate::from_ten_thousandths(r.short()?)?;
        let rounding = if r.array()? == [1] { SlashRounding::ExactHalfUp } else { SlashRounding::Double };
        let min_commission_rate = Decimal::from_atto(i128::from_be_bytes(r.array()?));
        let (gas, expiration) = (u64::from_be_bytes(r.array()?), u64::from_be_bytes(r.array()?));
        let [activation, max_providers, max_quorum, max_num, quorum] =
            [r.word()?, r.word()?, r.word()?, r.word()?, r.word()?];
        let covenants = Covenants::assume_checked(r.keys()?, quorum);
        Ok(Self {
            scripts: ScriptTemplates::new(covenants),
            min_staking_value,
            max_staking_value,
            min_staking_time: StakingTime::new(u32::from(min_time))?,
            max_staking_time: StakingTime::new(u32::from(max_time))?,
            slashing: SlashingTerms { pk_script: r.0.to_vec(), rate, rounding, min_fee },
            unbonding_time: UnbondingTime::new(u32::from(unbonding_time))?,
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
}

struct Unpack<'a>(&'a [u8]);

impl Unpack<'_> {
    fn array<const N: usize>(&mut self) -> Result<[u8; N], PackedParamsError> {
        let (head, tail) = self.0.split_first_chunk::<N>().ok_or(PackedParamsError::Shape)?;
        self.0 = tail;
        Ok(*head)
    }

    fn sat(&mut self) -> Result<Sat, PackedParamsError> {
        Ok(Sat(u64::from_be_bytes(self.array()?)))
    }

    fn short(&mut self) -> Result<u16, PackedParamsError> {
        Ok(u16::from_be_bytes(self.array()?))
    }

    fn word(&mut self) -> Result<u32, PackedParamsError> {
        Ok(u32::from_be_bytes(self.array()?))
    }

    fn keys(&mut self) -> Result<Vec<CovenantKey>, PackedParamsError> {
        let n = self.word()?;
        let mut keys = Vec::new();
        for _ in 0..n {
            keys.push(CovenantKey::from_bytes(&self.array()?)?);
        }
        Ok(keys)
    }
}
