//! Why btc-staking refuses.

use contract_host::admin::RoleError;
use contract_host::outbox::OutboxError;
use contract_host::pack::{CorruptState, TooLong};
use contract_host::peers::PeerError;
use contract_host::version::VersionError;
use cosmwasm_std::{Addr, StdError};
use staking_api::parse::ParseMessageError;
use staking_api::staking::Status;
use staking_api::{BlockHash, Decimal, Key, Txid};
use staking_crypto::PointError;
use staking_protocol::delegation::StakerSignaturesError;
use staking_protocol::delegation::{CovenantSignaturesError, DelegationError, DeriveError, TermsError};
use staking_protocol::header::HeaderError;
use staking_protocol::inclusion::InclusionError;
use staking_protocol::params::{NoParamsForHeight, PackedParamsError, ParamsError};
use staking_protocol::possession::{AddressError, PossessionError};
use staking_protocol::script::ScriptError;
use staking_protocol::tx::{ExpansionError, ParseTxError, SpendError, StakingTxError};

/// Why a message or question is refused.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StakingError {
    /// A role is missing, or the contract is paused.
    #[error(transparent)]
    Role(#[from] RoleError),
    /// The sender is not the contract that may send this.
    #[error("{0} is not btc-finality")]
    NotFinality(Addr),
    /// The sender does not own the provider.
    #[error("{0} does not own the provider")]
    NotOwner(Addr),
    /// Peers are named once.
    #[error("{0} was named before")]
    PeerNamed(&'static str),
    /// The light client's network is not built in, so there are no addresses to check against.
    #[error("too many items: {found}, at most {max}")]
    TooManyItems {
        /// Items of the message.
        found: usize,
        /// Most that are taken.
        max: usize,
    },
    /// No items in the message.
    #[error("no items")]
    NoItems,
    /// The message does not parse.
    #[error(transparent)]
    Parse(#[from] ParseMessageError),
    /// The sender's address cannot be bound to a key.
    #[error(transparent)]
    Address(#[from] AddressError),
    /// The proof of possession fails.
    #[error("proof of possession: {0}")]
    Possession(#[from] PossessionError),

    /// Parameters are refused.
    #[error("parameters: {0}")]
    Params(#[from] ParamsError),
    /// A committee is larger than can be recorded.
    #[error("committee of {0} members, at most 64")]
    CommitteeTooLarge(usize),
    /// A version must begin above all earlier ones and above the tip.
    #[error("activation height {found} is not above {least}")]
    ActivationHeight {
        /// Height asked for.
        found: u32,
        /// It must be above this.
        least: u32,
    },
    /// No version holds at the height.
    #[error(transparent)]
    NoParams(#[from] NoParamsForHeight),
    /// No such version.
    #[error("no parameter version {0}")]
    NoSuchVersion(u32),

    /// The key is registered.
    #[error("provider {0} is registered already")]
    ProviderExists(Key),
    /// The address owns another provider (trap C13).
    #[error("{0} owns a provider already")]
    OwnerHasProvider(Addr),
    /// The provider is not registered.
    #[error("provider {0} is not registered")]
    NoSuchProvider(Key),
    /// The provider's key leaked.
    #[error("provider {0} is slashed")]
    ProviderSlashed(Key),
    /// Governance retired the provider.
    #[error("provider {0} is retired")]
    ProviderRetired(Key),
    /// Consumers of a provider: none, too many, twice the same, or not a chain id.
    #[error("consumers: {0}")]
    Consumers(String),
    /// Two providers of a delegation serve the same consumer.
    #[error("providers {first} and {second} both serve {consumer}")]
    SameConsumer {
        /// One provider.
        first: Key,
        /// The other.
        second: Key,
        /// The consumer.
        consumer: String,
    },
    /// Commission rules.
    #[error("commission {found}: {rule}")]
    Commission {
        /// Value refused.
        found: Decimal,
        /// The rule.
        rule: &'static str,
    },
    /// The rate changes once in 24 hours.
    #[error("commission was changed at {last}, next change from {next}")]
    CommissionTooSoon {
        /// Last change, seconds since 1970.
        last: u64,
        /// Earliest next change, seconds since 1970.
        next: u64,
    },
    /// A text is too long.
    #[error("{field} has {found} bytes, at most {max}")]
    TextTooLong {
        /// The field.
        field: &'static str,
        /// Its length.
        found: usize,
        /// Most bytes.
        max: usize,
    },

    /// The staking transaction is registered.
    #[error("delegation {0} is registered already")]
    DelegationExists(Txid),
    /// The delegation is not registered.
    #[error("delegation {0} is not registered")]
    NoSuchDelegation(Txid),
    /// The terms break the parameters.
    #[error(transparent)]
    Terms(#[from] TermsError),
    /// The keys do not make scripts.
    #[error(transparent)]
    Scripts(#[from] ScriptError),
    /// The staking transaction is none.
    #[error("staking transaction: {0}")]
    Staking(#[from] StakingTxError),
    /// A transaction does not parse.
    #[error("transaction: {0}")]
    Transaction(#[from] ParseTxError),
    /// The transactions sent are refused.
    #[error(transparent)]
    Delegation(#[from] DelegationError),
    /// The transactions cannot be derived.
    #[error(transparent)]
    Derive(#[from] DeriveError),
    /// A staker signature is refused.
    #[error("{which} signature: {error}")]
    StakerSignature {
        /// Which transaction.
        which: &'static str,
        /// Why.
        error: StakerSignaturesError,
    },
    /// The expansion is refused.
    #[error("expansion: {0}")]
    Expansion(#[from] ExpansionError),
    /// The expansion breaks a rule about the previous stake.
    #[error("expansion: {0}")]
    ExpansionRule(&'static str),

    /// The member is not in the committee of the delegation's parameters.
    #[error("{0} is not in the committee of the delegation's parameters")]
    NotAMember(Key),
    /// The member has signed.
    #[error("{0} has signed already")]
    SignedTwice(Key),
    /// The signatures do not verify.
    #[error(transparent)]
    CovenantSignatures(#[from] CovenantSignaturesError),

    /// The state of the delegation does not allow it.
    #[error("delegation is {0:?}")]
    Status(Status),
    /// Inclusion of an expansion is proven by the spend of the previous stake.
    #[error("inclusion of an expansion is proven by undelegating the previous stake")]
    ExpansionInclusion,
    /// The transaction was mined before it was registered (trap C23).
    #[error("mined at {start}, before the registration at {registered}")]
    IncludedTooEarly {
        /// Height of its block.
        start: u32,
        /// Tip at registration.
        registered: u32,
    },
    /// Too few blocks are left before the timelock ends.
    #[error("too few blocks left: tip {tip} and {unbonding_time} blocks of unbonding reach the end {end}")]
    TooLate {
        /// The tip.
        tip: u32,
        /// Unbonding time in blocks.
        unbonding_time: u16,
        /// End of the timelock.
        end: u32,
    },
    /// A deep reorg waits for `quarantine`.
    #[error("a reorg of k or more blocks waits for quarantine")]
    ReorgPending,
    /// The tip is too old to prove anything (trap E1).
    #[error("the light client's tip is stale")]
    StaleTip,
    /// The header of a proof is malformed.
    #[error("header: {0}")]
    Header(#[from] HeaderError),
    /// The header of a proof is not on the main chain at its height.
    #[error("header {found} is not on the main chain at height {height}")]
    NotOnMainChain {
        /// Height claimed.
        height: u32,
        /// Hash of the header.
        found: BlockHash,
    },
    /// The proof of inclusion fails.
    #[error("inclusion: {0}")]
    Inclusion(#[from] InclusionError),
    /// The transaction does not spend the staking output.
    #[error("transaction does not spend the staking output of {0}")]
    NotASpend(Txid),
    /// The spend is not signed by the staker.
    #[error("spend: {0}")]
    Spend(#[from] SpendError),
    /// The provider is not slashed.
    #[error("provider {0} is not slashed")]
    NotSlashed(Key),

    /// A key is not on the curve.
    #[error("key: {0}")]
    Point(#[from] PointError),
    /// The outbox failed.
    #[error(transparent)]
    Outbox(#[from] OutboxError),
    /// A neighbour gave no answer.
    #[error(transparent)]
    Peer(#[from] PeerError),
    /// A record is malformed.
    #[error(transparent)]
    Corrupt(#[from] CorruptState),
    /// Stored parameters are malformed.
    #[error(transparent)]
    PackedParams(#[from] PackedParamsError),
    /// A field is too long to be stored.
    #[error(transparent)]
    TooLong(#[from] TooLong),
    /// The state is another contract's.
    #[error(transparent)]
    Version(#[from] VersionError),
    /// The host refused.
    #[error("{0}")]
    Std(StdError),
}

impl From<StdError> for StakingError {
    fn from(error: StdError) -> Self {
        Self::Std(error)
    }
}
