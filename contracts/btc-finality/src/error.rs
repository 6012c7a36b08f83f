//! Why btc-finality refuses.

use contract_host::admin::RoleError;
use contract_host::outbox::OutboxError;
use contract_host::pack::{CorruptState, TooLong};
use contract_host::peers::PeerError;
use contract_host::version::VersionError;
use cosmwasm_std::{Addr, StdError};
use staking_api::Key;
use staking_api::parse::ParseMessageError;
use staking_crypto::{CurveError, PointError, ScalarError};
use staking_protocol::finality::{CommitmentError, EvidenceError, VoteError};

/// Why a message or question is refused.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FinalityError {
    /// A role is missing.
    #[error(transparent)]
    Role(#[from] RoleError),
    /// The sender is not btc-staking.
    #[error("{0} is not btc-staking")]
    NotStaking(Addr),
    /// The sender does not own the provider.
    #[error("{0} does not own the provider")]
    NotOwner(Addr),
    /// The vault is named once.
    #[error("btc-vault was named before")]
    VaultNamed,

    /// No such consumer.
    #[error("consumer {0} is not registered")]
    NoSuchConsumer(String),
    /// The consumer is registered.
    #[error("consumer {0} is registered already")]
    ConsumerExists(String),
    /// Votes and finalisation of the consumer are paused.
    #[error("consumer {0} is paused")]
    ConsumerPaused(String),
    /// A setting is out of bounds or cannot be changed.
    #[error("{name}: {rule}")]
    Setting {
        /// The setting.
        name: &'static str,
        /// The rule.
        rule: &'static str,
    },

    /// The provider does not vote for the consumer.
    #[error("provider {0} does not vote for this consumer")]
    NoSuchProvider(Key),
    /// The provider's key leaked.
    #[error("provider {0} is slashed")]
    ProviderSlashed(Key),
    /// The provider is jailed.
    #[error("provider {0} is jailed")]
    ProviderJailed(Key),
    /// The provider never had power.
    #[error("provider {0} never had any stake")]
    NeverStaked(Key),
    /// The provider is not jailed.
    #[error("provider {0} is not jailed")]
    NotJailed(Key),
    /// The provider's time in jail is not up.
    #[error("jailed until {until}, now {now}")]
    StillJailed {
        /// Earliest end, seconds since 1970.
        until: u64,
        /// Time of the chain.
        now: u64,
    },
    /// A change of power does not fit the records.
    #[error("power of {fp} cannot lose {sat} of {power} sat")]
    PowerUnderflow {
        /// The provider.
        fp: Key,
        /// What it has.
        power: u64,
        /// What it should lose.
        sat: u64,
    },
    /// A sum does not fit.
    #[error("{0} does not fit")]
    Overflow(&'static str),

    /// The message does not parse.
    #[error(transparent)]
    Parse(#[from] ParseMessageError),
    /// The commitment is malformed or out of order.
    #[error("commitment: {0}")]
    Commitment(#[from] CommitmentError),
    /// Too few or too many values, or too far ahead.
    #[error("commitment of {count} from {start}: {rule}")]
    CommitmentRule {
        /// First height.
        start: u64,
        /// Number of values.
        count: u64,
        /// The rule.
        rule: &'static str,
    },
    /// The signature of the commitment does not verify.
    #[error("commitment signature: {0}")]
    CommitmentSignature(staking_crypto::bip340::VerifyError),

    /// No votes in the message.
    #[error("no votes")]
    NoVotes,
    /// Too many votes in the message.
    #[error("{found} votes, at most {max}")]
    TooManyVotes {
        /// Votes found.
        found: usize,
        /// Most that are taken.
        max: usize,
    },
    /// Votes are not ascending by height.
    #[error("vote for {height} comes after one for {previous}")]
    VoteOrder {
        /// Its height.
        height: u64,
        /// Height of the one before.
        previous: u64,
    },
    /// The same vote is stored.
    #[error("vote for height {0} is known")]
    VoteKnown(u64),
    /// Before the first height that is voted on.
    #[error("height {height} is before the activation height {activation}")]
    BeforeActivation {
        /// Height of the vote.
        height: u64,
        /// First height.
        activation: u64,
    },
    /// The height is settled: late votes earn nothing (traps D14, D20).
    #[error("height {height} is settled, next is {next}")]
    Settled {
        /// Height of the vote.
        height: u64,
        /// Lowest height not settled.
        next: u64,
    },
    /// The height is too far ahead.
    #[error("height {height} is beyond {last}")]
    TooFarAhead {
        /// Height of the vote.
        height: u64,
        /// Highest height accepted.
        last: u64,
    },
    /// No commitment covers the height.
    #[error("no randomness committed for height {0}")]
    NotCommitted(u64),
    /// The commitment that covers the height is not timestamped yet.
    #[error(
        "randomness for height {height} was committed at hub height {hub_height}, which is not timestamped"
    )]
    NotTimestamped {
        /// Height of the vote.
        height: u64,
        /// Hub height of the commitment.
        hub_height: u64,
    },
    /// The vote is invalid.
    #[error("vote: {0}")]
    Vote(#[from] VoteError),
    /// Nothing could be finalised or settled.
    #[error("nothing to finalise")]
    NothingToFinalize,

    /// The evidence proves nothing.
    #[error("evidence: {0}")]
    Evidence(#[from] EvidenceError),
    /// The secret key is not the provider's.
    #[error("secret key is not that of {0}")]
    OtherKey(Key),

    /// Rewards: wrong coins.
    #[error("exactly one coin of denomination {expected:?} is accepted")]
    Funds {
        /// The consumer's denomination, if it has one.
        expected: Option<String>,
    },
    /// Nothing to claim.
    #[error("nothing to claim")]
    NothingToClaim,
    /// The height to resume from is below the current one.
    #[error("cannot go back to height {asked}, next is {next}")]
    ResumeBackwards {
        /// Height asked for.
        asked: u64,
        /// Current one.
        next: u64,
    },

    /// A key is none.
    #[error("key: {0}")]
    Point(#[from] PointError),
    /// A number is no scalar.
    #[error("scalar: {0}")]
    Scalar(#[from] ScalarError),
    /// The curve backend refused.
    #[error(transparent)]
    Curve(#[from] CurveError),
    /// The outbox failed.
    #[error(transparent)]
    Outbox(#[from] OutboxError),
    /// A neighbour gave no answer.
    #[error(transparent)]
    Peer(#[from] PeerError),
    /// A record is malformed.
    #[error(transparent)]
    Corrupt(#[from] CorruptState),
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

impl From<StdError> for FinalityError {
    fn from(error: StdError) -> Self {
        Self::Std(error)
    }
}
