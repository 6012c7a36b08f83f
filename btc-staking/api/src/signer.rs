//! Wire of `mesh-signer`: one length-prefixed protobuf request, one answer, over a local socket.
//!
//! A request names everything it is bound to (chain, contract, height) and carries an id that its answer repeats.
//! This file only describes and frames messages; the guard and the policy are in the signer, where the keys are.

use alloc::string::String;
use alloc::vec::Vec;
use prost::Message;

/// Longest frame accepted, in bytes: a covenant request with several raw transactions fits with room.
pub const MAX_FRAME: u32 = 4 * 1024 * 1024;

/// A request to the signer.
#[derive(Clone, PartialEq, Message)]
pub struct Request {
    /// Chosen by the client; the answer repeats it.
    #[prost(bytes = "vec", tag = "1")]
    pub id: Vec<u8>,
    /// What is asked.
    #[prost(oneof = "Ask", tags = "2, 3, 4, 5, 6, 7")]
    pub ask: Option<Ask>,
}

/// What a client may ask.
#[derive(Clone, PartialEq, prost::Oneof)]
pub enum Ask {
    /// The signer's role, key and state.
    #[prost(message, tag = "2")]
    Status(Empty),
    /// Derive and commit randomness (EOTS role).
    #[prost(message, tag = "3")]
    Commit(Commit),
    /// Sign finality votes, one answer each (EOTS role).
    #[prost(message, tag = "4")]
    Votes(Votes),
    /// Highest height signed in a domain (EOTS role).
    #[prost(message, tag = "5")]
    Watermark(Domain),
    /// Check and pre-sign a delegation (covenant role).
    #[prost(message, tag = "6")]
    Presign(Presign),
    /// Prove to the hub that the key agrees to an address (EOTS role).
    #[prost(message, tag = "7")]
    Possession(Possession),
}

/// No fields.
#[derive(Clone, Copy, PartialEq, Eq, Message)]
pub struct Empty {}

/// What separates one use of an EOTS key from another.
#[derive(Clone, PartialEq, Eq, Message)]
pub struct Domain {
    /// The consumer's chain id.
    #[prost(string, tag = "1")]
    pub consumer: String,
    /// Address of the finality contract on the hub.
    #[prost(string, tag = "2")]
    pub contract: String,
}

/// Asks for a commitment to the randomness of consecutive heights.
#[derive(Clone, PartialEq, Eq, Message)]
pub struct Commit {
    /// Where the randomness will be used.
    #[prost(message, optional, tag = "1")]
    pub domain: Option<Domain>,
    /// First height.
    #[prost(uint64, tag = "2")]
    pub start: u64,
    /// How many heights.
    #[prost(uint64, tag = "3")]
    pub count: u64,
}

/// Asks for votes.
#[derive(Clone, PartialEq, Eq, Message)]
pub struct Votes {
    /// Where they are cast.
    #[prost(message, optional, tag = "1")]
    pub domain: Option<Domain>,
    /// The votes.
    #[prost(message, repeated, tag = "2")]
    pub votes: Vec<Vote>,
}

/// One vote to sign.
#[derive(Clone, PartialEq, Eq, Message)]
pub struct Vote {
    /// Block height.
    #[prost(uint64, tag = "1")]
    pub height: u64,
    /// Application hash, 32 bytes.
    #[prost(bytes = "vec", tag = "2")]
    pub app_hash: Vec<u8>,
    /// First height of the commitment that covers it.
    #[prost(uint64, tag = "3")]
    pub committed_start: u64,
    /// Heights in that commitment.
    #[prost(uint64, tag = "4")]
    pub committed_count: u64,
}

/// A delegation to pre-sign, as raw as the hub stores it. The signer re-derives everything it signs.
#[derive(Clone, PartialEq, Eq, Message)]
pub struct Presign {
    /// Version of the staking parameters; the signer uses its own pinned copy.
    #[prost(uint32, tag = "1")]
    pub params_version: u32,
    /// Staking transaction.
    #[prost(bytes = "vec", tag = "2")]
    pub staking_tx: Vec<u8>,
    /// Staking time, blocks.
    #[prost(uint32, tag = "3")]
    pub staking_time: u32,
    /// Value of the staking output, sat.
    #[prost(uint64, tag = "4")]
    pub staking_value: u64,
    /// Staker keys, x-only, one in the ordinary case.
    #[prost(bytes = "vec", repeated, tag = "5")]
    pub staker_keys: Vec<Vec<u8>>,
    /// Signatures needed of the staker keys.
    #[prost(uint32, tag = "6")]
    pub staker_quorum: u32,
    /// Finality-provider keys in the order of the delegation.
    #[prost(bytes = "vec", repeated, tag = "7")]
    pub provider_keys: Vec<Vec<u8>>,
    /// Slashing transaction of the staking output.
    #[prost(bytes = "vec", tag = "8")]
    pub slashing_tx: Vec<u8>,
    /// Unbonding transaction.
    #[prost(bytes = "vec", tag = "9")]
    pub unbonding_tx: Vec<u8>,
    /// Slashing transaction of the unbonding output.
    #[prost(bytes = "vec", tag = "10")]
    pub unbonding_slashing_tx: Vec<u8>,
    /// Staker signatures of the slashing transaction, in the order of the staker keys.
    #[prost(bytes = "vec", repeated, tag = "11")]
    pub staker_slashing_sigs: Vec<Vec<u8>>,
    /// Staker signatures of the slashing transaction of the unbonding output.
    #[prost(bytes = "vec", repeated, tag = "12")]
    pub staker_unbonding_slashing_sigs: Vec<Vec<u8>>,
}

/// Asks for a provider's proof of possession: BIP-340 over the address, in the context of one chain and contract.
#[derive(Clone, PartialEq, Eq, Message)]
pub struct Possession {
    /// The hub's chain id.
    #[prost(string, tag = "1")]
    pub chain_id: String,
    /// Address of `btc-staking` on the hub.
    #[prost(string, tag = "2")]
    pub contract: String,
    /// The account that will own the provider, bech32.
    #[prost(string, tag = "3")]
    pub address: String,
}

/// The signer's answer.
#[derive(Clone, PartialEq, Message)]
pub struct Response {
    /// The request's id.
    #[prost(bytes = "vec", tag = "1")]
    pub id: Vec<u8>,
    /// What it says.
    #[prost(oneof = "Answer", tags = "2, 3, 4, 5, 6, 7, 8")]
    pub answer: Option<Answer>,
}

/// What the signer may say.
#[derive(Clone, PartialEq, prost::Oneof)]
pub enum Answer {
    /// Role, key, state.
    #[prost(message, tag = "2")]
    Status(Status),
    /// A signed commitment.
    #[prost(message, tag = "3")]
    Committed(Committed),
    /// One answer for each vote asked for, in order.
    #[prost(message, tag = "4")]
    Voted(Voted),
    /// Highest height signed.
    #[prost(message, tag = "5")]
    Watermark(Watermark),
    /// Pre-signatures.
    #[prost(message, tag = "6")]
    Presigned(Presigned),
    /// Nothing was signed.
    #[prost(message, tag = "7")]
    Refused(Refused),
    /// A proof of possession.
    #[prost(message, tag = "8")]
    Possessed(Possessed),
}

/// The signer's state.
#[derive(Clone, PartialEq, Eq, Message)]
pub struct Status {
    /// `eots` or `covenant`.
    #[prost(string, tag = "1")]
    pub role: String,
    /// The x-only public key, 32 bytes.
    #[prost(bytes = "vec", tag = "2")]
    pub public_key: Vec<u8>,
    /// Signatures released since the ledger was made.
    #[prost(uint64, tag = "3")]
    pub signed: u64,
    /// Requests refused since the process began.
    #[prost(uint64, tag = "4")]
    pub refused: u64,
}

/// A signed commitment.
#[derive(Clone, PartialEq, Eq, Message)]
pub struct Committed {
    /// Merkle root of the public randomness, 32 bytes.
    #[prost(bytes = "vec", tag = "1")]
    pub root: Vec<u8>,
    /// BIP-340 signature, 64 bytes.
    #[prost(bytes = "vec", tag = "2")]
    pub signature: Vec<u8>,
}

/// Answers to votes.
#[derive(Clone, PartialEq, Eq, Message)]
pub struct Voted {
    /// In the order asked.
    #[prost(message, repeated, tag = "1")]
    pub votes: Vec<VoteAnswer>,
}

/// The answer to one vote: a signature or a refusal, never silence.
#[derive(Clone, PartialEq, Eq, Message)]
pub struct VoteAnswer {
    /// Set when the vote was signed (now or before).
    #[prost(message, optional, tag = "1")]
    pub signed: Option<SignedVote>,
    /// Set when it was not.
    #[prost(message, optional, tag = "2")]
    pub refused: Option<Refused>,
}

/// A vote's signature.
#[derive(Clone, PartialEq, Eq, Message)]
pub struct SignedVote {
    /// x coordinate of the nonce, 32 bytes.
    #[prost(bytes = "vec", tag = "1")]
    pub public_randomness: Vec<u8>,
    /// EOTS signature, 32 bytes.
    #[prost(bytes = "vec", tag = "2")]
    pub signature: Vec<u8>,
    /// Merkle siblings, 32 bytes each, bottom up.
    #[prost(bytes = "vec", repeated, tag = "3")]
    pub proof: Vec<Vec<u8>>,
    /// Whether the same vote had been signed before.
    #[prost(bool, tag = "4")]
    pub again: bool,
}

/// A watermark.
#[derive(Clone, Copy, PartialEq, Eq, Message)]
pub struct Watermark {
    /// Highest height signed; absent before the first.
    #[prost(uint64, optional, tag = "1")]
    pub height: Option<u64>,
}

/// One covenant member's pre-signatures of a delegation.
#[derive(Clone, PartialEq, Eq, Message)]
pub struct Presigned {
    /// Adaptor signatures of the slashing transaction, 65 bytes each, in provider order.
    #[prost(bytes = "vec", repeated, tag = "1")]
    pub slashing: Vec<Vec<u8>>,
    /// Plain signature of the unbonding transaction, 64 bytes.
    #[prost(bytes = "vec", tag = "2")]
    pub unbonding: Vec<u8>,
    /// Adaptor signatures of the slashing transaction of the unbonding output, in provider order.
    #[prost(bytes = "vec", repeated, tag = "3")]
    pub unbonding_slashing: Vec<Vec<u8>>,
}

/// A proof of possession.
#[derive(Clone, PartialEq, Eq, Message)]
pub struct Possessed {
    /// BIP-340 signature, 64 bytes.
    #[prost(bytes = "vec", tag = "1")]
    pub signature: Vec<u8>,
}

/// Why nothing was signed.
#[derive(Clone, PartialEq, Eq, Message)]
pub struct Refused {
    /// Stable code: `DOUBLE_SIGN`, `BELOW_WATERMARK`, `POLICY`, `LOCKED`, `BAD_REQUEST`, `STATE`.
    #[prost(string, tag = "1")]
    pub code: String,
    /// For people: what was expected and what was found.
    #[prost(string, tag = "2")]
    pub reason: String,
    /// The watermark, where that is the reason.
    #[prost(uint64, optional, tag = "3")]
    pub watermark: Option<u64>,
}

/// Why a frame could not be read.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum FrameError {
    /// The length prefix is above [`MAX_FRAME`].
    TooLong(u32),
    /// The bytes are not the message expected.
    Malformed(String),
}

impl core::fmt::Display for FrameError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::TooLong(length) => write!(f, "frame of {length} bytes, at most {MAX_FRAME} are read"),
            Self::Malformed(why) => write!(f, "not a signer message: {why}"),
        }
    }
}

impl core::error::Error for FrameError {}

/// A message with its length in front, four bytes big-endian.
pub fn frame(message: &impl Message) -> Vec<u8> {
    let body = message.encode_to_vec();
    let length = u32::try_from(body.len()).unwrap_or(u32::MAX);
    let mut out = Vec::with_capacity(body.len().saturating_add(4));
    out.extend_from_slice(&length.to_be_bytes());
    out.extend_from_slice(&body);
    out
}

/// The length that a prefix announces.
///
/// # Errors
/// [`FrameError::TooLong`].
pub fn frame_length(prefix: [u8; 4]) -> Result<u32, FrameError> {
    match u32::from_be_bytes(prefix) {
        length if length > MAX_FRAME => Err(FrameError::TooLong(length)),
        length => Ok(length),
    }
}

/// The message in a frame's body.
///
/// # Errors
/// [`FrameError::Malformed`].
pub fn unframe<M: Message + Default>(body: &[u8]) -> Result<M, FrameError> {
    M::decode(body).map_err(|e| FrameError::Malformed(alloc::string::ToString::to_string(&e)))
}
