//! Why the registry refuses.

use cosmwasm_std::StdError;
use staking_api::mesh::Decimal;
use thiserror::Error;

/// Why the registry cannot be created.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum InstantiateError {
    /// The chain refused something, or state is damaged.
    #[error(transparent)]
    Std(#[from] StdError),
    /// More than everything.
    #[error("penalty ratio {0} exceeds 1")]
    Ratio(Decimal),
}

/// Why a message is refused.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ExecuteError {
    /// The chain refused something, or state is damaged.
    #[error(transparent)]
    Std(#[from] StdError),
    /// The sender may not send this.
    #[error("{sender} is not {role}")]
    Unauthorized {
        /// Who sent it.
        sender: String,
        /// Who may.
        role: &'static str,
    },
    /// Not registered.
    #[error("{0} is not an operator")]
    NotAnOperator(String),
    /// A name is empty or too long.
    #[error("name of {0} bytes, allowed are 1 to 128")]
    Name(usize),
    /// The key's half of the proof is wrong.
    #[error("the signature does not bind {0}")]
    BadSignature(String),
    /// Neither the consensus key published for the validator nor the key of its address.
    #[error("this is not the key of {0}: publish its consensus key, or sign with the key of its address")]
    WrongKey(String),
    /// Bound to another operator.
    #[error("{name} is bound to {operator}")]
    Bound {
        /// Validator or key.
        name: String,
        /// Its operator.
        operator: String,
    },
    /// One provider per operator and consumer.
    #[error("operator has provider {fp_pk} for {consumer}")]
    OneProvider {
        /// Chain id.
        consumer: String,
        /// The one there is.
        fp_pk: String,
    },
    /// Not bound.
    #[error("{0} is not bound")]
    NotBound(String),
    /// A binding cannot be removed yet.
    #[error("unbinding of {name} is possible from {at}, seconds")]
    CoolingOff {
        /// Validator.
        name: String,
        /// Earliest time.
        at: u64,
    },
    /// A jailed operator keeps its bonds.
    #[error("operator {0} is jailed")]
    Jailed(String),
    /// Less self-bond than asked for.
    #[error("self-bond of {bond}, {asked} asked for")]
    NotEnoughBond {
        /// There is.
        bond: u128,
        /// Asked for.
        asked: u128,
    },
    /// A fault names neither a validator nor a provider.
    #[error("a fault names a validator or a provider")]
    NobodyNamed,
    /// Too many entries in one message.
    #[error("{count} entries, at most {max}")]
    TooMany {
        /// Sent.
        count: usize,
        /// Bound.
        max: usize,
    },
    /// A setting makes no sense.
    #[error(transparent)]
    Setting(#[from] InstantiateError),
}
