//! Messages of `btc-light-client`: the most-work chain of Bitcoin headers, kept by anyone for everyone.
//!
//! Headers are raw 80-byte headers. The contract validates everything a header can be validated for; other
//! contracts read its tip and block hashes from its storage (`contract-host`, `peers`) or ask a query.

use std::string::String;
use std::vec::Vec;

use crate::hex::{BlockHash, Hash32, Txid};
use crate::mesh::Binary;

crate::mesh::wire! {
    /// Creates the light client at a pinned header (trap E18).
    pub struct InstantiateMsg {
        /// Network whose rules hold.
        pub network: Network,
        /// Trusted first header.
        pub base: BaseHeader,
        /// Confirmations k after which dependants take a block for settled: a block at height h is k deep
        /// when tip − h ≥ k. At least 1.
        pub confirmation_depth: u32,
        /// Deepest reorg that is followed, in blocks; deeper forks are refused. Default 288; at least
        /// `confirmation_depth` and at most 2015.
        #[serde(default)]
        pub max_reorg_depth: Option<u32>,
        /// Headers more than this below the tip may be pruned. Default 70 000 (longest stake and a margin);
        /// at least 2016 + `max_reorg_depth`.
        #[serde(default)]
        pub keep_depth: Option<u32>,
        /// A tip whose timestamp is older than this many seconds proves nothing (trap E1). Default 21 600;
        /// 0 switches the gate off (regtest).
        #[serde(default)]
        pub max_tip_age_seconds: Option<u64>,
        /// Governance. Default: the sender.
        #[serde(default)]
        pub admin: Option<String>,
        /// May pause, not unpause.
        #[serde(default)]
        pub guardian: Option<String>,
        /// Only these may submit headers; empty = anyone. Meant for a restart after a halt.
        #[serde(default)]
        pub reporters: Vec<String>,
    }

    /// A trusted header.
    pub struct BaseHeader {
        /// 80 bytes.
        pub header: Binary,
        /// Its height. Must open a retarget period on networks that retarget (trap E8).
        pub height: u32,
        /// Work of the chain up to and with it, 32 bytes big endian. Default: its own work.
        #[serde(default)]
        pub work: Option<Hash32>,
    }

    /// Bitcoin network.
    pub enum Network {
        /// Mainnet.
        Mainnet,
        /// Testnet 3, with the 20-minute rule.
        Testnet3,
        /// Testnet 4 (BIP-94).
        Testnet4,
        /// Default signet; the block solution cannot be seen from headers.
        Signet,
        /// Local chain without retargeting.
        Regtest,
        /// A chain described by its numbers.
        Custom(CustomRules),
    }

    /// Header rules of a chain that is not built in.
    pub struct CustomRules {
        /// Largest target, 32 bytes big endian.
        pub pow_limit: Hash32,
        /// Largest target in compact form.
        pub pow_limit_bits: u32,
        /// Seconds that a retarget period should take.
        pub target_timespan: u32,
        /// Seconds that a block should take.
        pub target_spacing: u32,
        /// How many times longer or shorter than wanted a period counts at most.
        pub retarget_factor: u32,
        /// Seconds after which a header may carry the minimum difficulty, where that is allowed.
        #[serde(default)]
        pub min_difficulty_after: Option<u32>,
        /// Whether every header carries the minimum difficulty.
        pub no_retargeting: bool,
        /// Whether BIP-94 holds.
        #[serde(default)]
        pub bip94: bool,
        /// First height at which version 1 is refused.
        pub bip34_height: u32,
        /// First height at which version 2 is refused.
        pub bip66_height: u32,
        /// First height at which version 3 is refused.
        pub bip65_height: u32,
    }

    /// Messages that change state.
    pub enum ExecuteMsg {
        /// Submits headers, each the child of the one before; the first may fork off any stored header.
        ///
        /// Known headers are skipped. Headers before an invalid one are kept; the invalid one is reported
        /// by event `header_refused` and in the response. The message fails only if nothing was new.
        SubmitHeaders {
            /// Concatenated 80-byte headers.
            headers: Binary,
            /// Takes at most this many new headers; the response tells how many were consumed.
            #[serde(default)]
            limit: Option<u32>,
        },
        /// Deletes headers below the horizon and stale side branches, at most `limit` records.
        Prune {
            /// Records to delete at most.
            limit: u32,
        },
        /// Changes settings; absent fields stay. Admin only.
        UpdateConfig(ConfigUpdate),
        /// Pauses (guardian or admin) or resumes (admin) acceptance of headers. Queries go on.
        SetPaused {
            /// New state.
            paused: bool,
        },
        /// Hands governance over. Admin only.
        UpdateAdmin {
            /// New admin.
            admin: String,
        },
    }

    /// Settings that may change after instantiation.
    #[derive(Default)]
    pub struct ConfigUpdate {
        /// See [`InstantiateMsg::confirmation_depth`].
        #[serde(default)]
        pub confirmation_depth: Option<u32>,
        /// See [`InstantiateMsg::keep_depth`].
        #[serde(default)]
        pub keep_depth: Option<u32>,
        /// See [`InstantiateMsg::max_tip_age_seconds`].
        #[serde(default)]
        pub max_tip_age_seconds: Option<u64>,
        /// See [`InstantiateMsg::guardian`].
        #[serde(default)]
        pub guardian: Option<String>,
        /// See [`InstantiateMsg::reporters`].
        #[serde(default)]
        pub reporters: Option<Vec<String>>,
    }

    /// Data of the response to [`ExecuteMsg::SubmitHeaders`].
    pub struct SubmitHeadersResponse {
        /// Headers of the message that were looked at: accepted, already known or refused.
        pub consumed: u32,
        /// Headers that are new on the main chain or a side branch.
        pub accepted: u32,
        /// Tip after the message.
        pub tip: Block,
        /// Why processing stopped before the end, if it did.
        pub refused: Option<String>,
    }

    /// Questions.
    pub enum QueryMsg {
        /// Answers [`Config`].
        Config {},
        /// Answers [`Tip`].
        Tip {},
        /// The trusted base header; answers [`Block`].
        Base {},
        /// A header of the main chain by height; answers `Option<`[`Block`]`>`.
        Header {
            /// Height.
            height: u32,
        },
        /// A header of the main chain or of a side branch by hash; answers `Option<`[`LocatedBlock`]`>`.
        /// `near` is a hint for main-chain headers: the search looks at most `max_reorg_depth` blocks around
        /// it (default: the tip).
        HeaderByHash {
            /// Hash.
            hash: BlockHash,
            /// Height near which to look.
            #[serde(default)]
            near: Option<u32>,
        },
        /// Headers of the main chain in order; answers [`Blocks`].
        Headers {
            /// Height after (or, descending, below) which to begin.
            #[serde(default)]
            start_after: Option<u32>,
            /// Page size, at most 100; default 30.
            #[serde(default)]
            limit: Option<u32>,
            /// From the tip downwards.
            #[serde(default)]
            descending: bool,
        },
        /// The highest of the given headers that is on the main chain: where to resume; answers
        /// `Option<`[`Block`]`>`. At most 100 are looked at.
        CommonAncestor {
            /// Blocks as the asker knows them, in any order.
            locator: Vec<Block>,
        },
        /// Checks that a transaction is in a block of the main chain; answers [`Inclusion`], or the error why
        /// it is not.
        VerifyInclusion {
            /// Transaction in network serialisation; a witness is ignored.
            tx: Binary,
            /// Where it is.
            proof: InclusionProof,
        },
        /// The deepest reorg seen and all at least `confirmation_depth` deep, newest first; answers [`Reorgs`].
        Reorgs {
            /// Page size, at most 100; default 30.
            #[serde(default)]
            limit: Option<u32>,
        },
    }

    /// Place of a transaction in the chain.
    pub struct InclusionProof {
        /// The 80-byte header of its block.
        pub header: Binary,
        /// Height of the block.
        pub height: u32,
        /// Position of the transaction in the block.
        pub index: u32,
        /// Concatenated 32-byte siblings, bottom up; empty for a block of one transaction.
        pub siblings: Binary,
    }

    /// Answer to [`QueryMsg::VerifyInclusion`].
    #[derive(Copy)]
    pub struct Inclusion {
        /// The transaction.
        pub txid: Txid,
        /// The block.
        pub block: BlockHash,
        /// Its height.
        pub height: u32,
        /// Blocks above it: tip − height.
        pub depth: u32,
        /// Whether `depth` is at least k.
        pub settled: bool,
    }

    /// A header in brief.
    #[derive(Copy)]
    pub struct Block {
        /// Height.
        pub height: u32,
        /// Hash.
        pub hash: BlockHash,
        /// Timestamp in seconds since 1970.
        pub time: u32,
        /// Compact difficulty.
        pub bits: u32,
    }

    /// A header and the branch it is on.
    #[derive(Copy)]
    pub struct LocatedBlock {
        /// The header.
        pub block: Block,
        /// Whether it is on the main chain.
        pub main: bool,
    }

    /// Some headers.
    pub struct Blocks {
        /// In the order asked for.
        pub blocks: Vec<Block>,
    }

    /// The tip and what depends on it.
    #[derive(Copy)]
    pub struct Tip {
        /// The header.
        pub block: Block,
        /// Cumulative work, 32 bytes big endian.
        pub work: Hash32,
        /// Whether the tip is young enough to prove anything.
        pub fresh: bool,
        /// Confirmations k.
        pub confirmation_depth: u32,
        /// Number of reorgs at least k deep so far.
        pub deep_reorgs: u32,
    }

    /// A reorg.
    #[derive(Copy)]
    pub struct Reorg {
        /// Number of this deep reorg, from 1; 0 if it was not k deep.
        pub number: u32,
        /// Last common height of both branches.
        pub fork_height: u32,
        /// Tip height before.
        pub old_height: u32,
        /// Tip height after.
        pub new_height: u32,
        /// Height of the chain that carries this contract.
        pub at: u64,
    }

    /// Answer to [`QueryMsg::Reorgs`].
    pub struct Reorgs {
        /// Deepest one, if any.
        pub deepest: Option<Reorg>,
        /// Those at least k deep, newest first.
        pub deep: Vec<Reorg>,
    }

    /// Answer to [`QueryMsg::Config`].
    pub struct Config {
        /// Network.
        pub network: Network,
        /// Confirmations k.
        pub confirmation_depth: u32,
        /// Deepest reorg followed.
        pub max_reorg_depth: u32,
        /// Depth kept.
        pub keep_depth: u32,
        /// Age of the tip beyond which it proves nothing, in seconds; 0 = no gate.
        pub max_tip_age_seconds: u64,
        /// Governance.
        pub admin: String,
        /// Guardian.
        pub guardian: Option<String>,
        /// Who may submit; empty = anyone.
        pub reporters: Vec<String>,
        /// Whether headers are refused for now.
        pub paused: bool,
        /// Lowest height still stored.
        pub lowest_height: u32,
    }

    /// Migration; nothing to say.
    #[derive(Default)]
    pub struct MigrateMsg {}
}
