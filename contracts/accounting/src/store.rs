//! Books that several contracts of the mesh keep in their storage.
//!
//! Contracts do not link each other, so what a vault is (liens, pending transactions, burn debts) and what a
//! channel end is (packets to send again) live here once. State is fixed-width binary; every listing is bounded.

pub mod book;
pub mod channel;
pub mod face;
pub mod outbox;
pub mod packed;
pub mod table;

pub use book::{Book, BookError, Burn, ExternalCustody, Terms};
pub use channel::{Channel, ChannelError};
pub use packed::Packed;
pub use table::{Cell, Table};

use crate::{Ratio, ValueRange};
use cosmwasm_std::{StdError, StdResult, Uint256};
use staking_api::mesh;

impl From<mesh::Decimal> for Ratio {
    fn from(d: mesh::Decimal) -> Self {
        Self(d.0)
    }
}

impl From<Ratio> for mesh::Decimal {
    fn from(r: Ratio) -> Self {
        Self(r.0)
    }
}

impl From<ValueRange> for mesh::Range {
    fn from(r: ValueRange) -> Self {
        Self { l: mesh::Uint128(r.low), h: mesh::Uint128(r.high) }
    }
}

/// A chain amount as the 128 bits we count in.
///
/// # Errors
/// When it does not fit.
pub fn amount_of(v: Uint256) -> StdResult<u128> {
    let (bytes, mut low) = (v.to_be_bytes(), [0u8; 16]);
    if bytes.iter().take(16).any(|b| *b != 0) {
        return Err(StdError::msg(std::format!("amount exceeds 128 bits: {v}")));
    }
    low.copy_from_slice(&bytes[16..]);
    Ok(u128::from_be_bytes(low))
}

/// Our coin as the chain's.
pub fn chain_coin(c: &mesh::Coin) -> cosmwasm_std::Coin {
    cosmwasm_std::Coin::new(c.amount.0, c.denom.clone())
}

/// The chain's coin as ours.
///
/// # Errors
/// When the amount does not fit into 128 bits.
pub fn wire_coin(c: &cosmwasm_std::Coin) -> StdResult<mesh::Coin> {
    Ok(mesh::Coin::new(amount_of(c.amount)?, c.denom.clone()))
}

/// Amount of `denom` among the funds of a message; nothing else may be attached.
///
/// # Errors
/// When another coin is attached.
pub fn only_funds(funds: &[cosmwasm_std::Coin], denom: &str) -> StdResult<u128> {
    match funds {
        [] => Ok(0),
        [c] if c.denom == denom => amount_of(c.amount),
        _ => Err(StdError::msg(std::format!("send only {denom}"))),
    }
}
