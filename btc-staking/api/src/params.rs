//! The only parser of parameter messages: a version as the contract shows it becomes the protocol's checked type.

use alloc::string::ToString;
use staking_protocol::params::{Params as Checked, ParamsError, ParamsUnchecked};
use staking_protocol::tx::slash_amount::SlashRounding;

use crate::staking::Params;

impl Params {
    /// The raw record of the protocol.
    ///
    /// Slashed amounts are rounded as Babylon does, so that a stake's transactions equal those of its tools.
    #[must_use]
    pub fn to_unchecked(&self) -> ParamsUnchecked {
        ParamsUnchecked {
            covenant_pks: self.covenant_pks.iter().map(|key| key.to_bytes()).collect(),
            covenant_quorum: self.covenant_quorum,
            min_staking_value_sat: signed(self.min_staking_value_sat),
            max_staking_value_sat: signed(self.max_staking_value_sat),
            min_staking_time_blocks: self.min_staking_time_blocks,
            max_staking_time_blocks: self.max_staking_time_blocks,
            slashing_pk_script: self.slashing_pk_script.0.clone(),
            min_slashing_tx_fee_sat: signed(self.min_slashing_tx_fee_sat),
            slashing_rate: self.slashing_rate.to_string(),
            slash_rounding: SlashRounding::Double,
            unbonding_time_blocks: self.unbonding_time_blocks,
            unbonding_fee_sat: signed(self.unbonding_fee_sat),
            min_commission_rate: self.min_commission_rate.to_string(),
            delegation_creation_base_gas_fee: 0,
            allow_list_expiration_height: 0,
            btc_activation_height: self.btc_activation_height,
            max_finality_providers: self.max_finality_providers,
            max_staker_quorum: self.max_staker_quorum,
            max_staker_num: self.max_staker_num,
        }
    }
}

impl TryFrom<&Params> for Checked {
    type Error = ParamsError;

    fn try_from(params: &Params) -> Result<Self, ParamsError> {
        params.to_unchecked().check()
    }
}

/// Saturates: beyond all satoshi there are, one bound means the same as another.
fn signed(sat: u64) -> i64 {
    i64::try_from(sat).unwrap_or(i64::MAX)
}
