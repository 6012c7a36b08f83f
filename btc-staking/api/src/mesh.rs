//! Messages of the mesh: vaults, cross-staking, converter, virtual staking, feeds, registry, packets.
//!
//! The JSON is that of mesh-security (cosmwasm JSON: snake_case one-key objects, 128-bit numbers and
//! decimals as strings), so each of our contracts can stand where the stock one stands. What we add is
//! an additional variant, or a field that is left out of the JSON when it is not used.
//! This module states shapes only: no rule of the mesh and no arithmetic lives here.

pub mod btc_vault;
pub mod converter;
pub mod custody;
pub mod external;
pub mod native;
pub mod packet;
pub mod price;
pub mod registry;
pub mod types;
pub mod vault;
pub mod virtual_staking;

pub use types::{Binary, Coin, Decimal, Empty, Range, Timestamp, Uint128};

/// Derives what every wire type needs, in one place.
macro_rules! wire {
    ($($item:item)*) => {$(
        #[derive(serde::Serialize, staking_api_derive::Wire, Clone, Debug, PartialEq, Eq)]
        #[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
        #[serde(rename_all = "snake_case")]
        $item
    )*};
}
pub(crate) use wire;
