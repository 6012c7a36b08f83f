//! Bitcoin transactions: the bare format, and one type for each transaction of a stake's life.
//!
//! The bare half ([`Transaction`], [`sanity`], [`sighash`], [`dust`]) is the part of Bitcoin that a contract needs
//! to judge a stake and nothing more: strict parsing, identifiers, BIP-341 script-path hashes. The typed half
//! ([`StakingTx`], [`UnbondingTx`], [`SlashingTx`], [`ExpansionTx`], [`WithdrawalTx`]) can only be obtained by
//! building or by validating, so that no transaction can be taken for another.

pub mod dust;
pub mod expansion;
pub mod parse;
pub mod raw;
pub mod sanity;
pub mod sighash;
pub mod slash_amount;
pub mod slashing;
pub mod spend;
pub mod staking;
pub mod unbonding;
pub mod withdrawal;
pub mod witness;

pub use expansion::{ExpansionError, ExpansionTx};
pub use parse::{ParseTxError, Reader};
pub use raw::{MAX_MONEY, OutPoint, Sat, Transaction, TxIn, TxOut, Txid};
pub use sanity::SanityError;
pub use sighash::Sighash;
pub use slashing::{SlashingError, SlashingTx};
pub use spend::{SpendError, StakeSpend};
pub use staking::{StakingTx, StakingTxError};
pub use unbonding::{UnbondingError, UnbondingTx};
pub use withdrawal::{WithdrawalError, WithdrawalTx};
