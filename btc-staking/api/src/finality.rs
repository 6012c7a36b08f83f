//! Messages of `btc-finality`: votes of finality providers for the blocks of every consumer.
//!
//! A consumer is named by its chain id; the hub is one under its own. All messages by providers are
//! permissionless: what counts is the signature, not the sender. Heights are the consumer's block heights,
//! from its height 1; hashes are 32-byte application hashes in natural order.

use std::string::String;
use std::vec::Vec;

use crate::hex::{Hash32, Key, Txid};
use crate::mesh::{Binary, Coin, Decimal, Uint128};
pub use crate::staking::{Outbox, OutboxItem, Signing};

crate::mesh::wire! {
    /// Creates the contract.
    pub struct InstantiateMsg {
        /// Address of `btc-staking`, whose pushes are believed.
        pub staking: String,
        /// Address of `btc-light-client`.
        pub light_client: String,
        /// Address of `btc-vault`, told of slashings. May be set later.
        #[serde(default)]
        pub vault: Option<String>,
        /// How messages are signed; the same as in `btc-staking`.
        #[serde(default)]
        pub signing: Signing,
        /// A commitment is usable once the hub height that carried it lies this many Bitcoin blocks back;
        /// 0 = at once (docs/protocol.md, Timestamps).
        pub timestamp_depth: u32,
        /// Consumers to begin with.
        #[serde(default)]
        pub consumers: Vec<ConsumerSettings>,
        /// Governance. Default: the sender.
        #[serde(default)]
        pub admin: Option<String>,
        /// May pause, not unpause.
        #[serde(default)]
        pub guardian: Option<String>,
    }

    /// A chain whose blocks are voted on, and its rules.
    pub struct ConsumerSettings {
        /// Chain id, 1 to 50 characters of `[A-Za-z0-9._-]`.
        pub id: String,
        /// First height that is voted on. Default 1.
        #[serde(default)]
        pub activation_height: Option<u64>,
        /// Size of the active set. Default 100, at most 150.
        #[serde(default)]
        pub max_active_providers: Option<u32>,
        /// Heights of a liveness window. Default 100.
        #[serde(default)]
        pub signed_blocks_window: Option<u32>,
        /// Share of a window that must be voted on, else the provider is jailed. Default 0.5.
        #[serde(default)]
        pub min_signed_per_window: Option<Decimal>,
        /// A finalised height is settled (liveness, rewards) when this many more are. Default 3.
        #[serde(default)]
        pub settle_lag: Option<u32>,
        /// Seconds for which a jailed provider stays so at least. Default 86 400.
        #[serde(default)]
        pub jail_seconds: Option<u64>,
        /// Fewest values of a commitment. Default 1.
        #[serde(default)]
        pub min_pub_rand: Option<u64>,
        /// Most values of a commitment. Default 1 000 000.
        #[serde(default)]
        pub max_pub_rand: Option<u64>,
        /// How far ahead of the next height to finalise a commitment may start. Default 160 000.
        #[serde(default)]
        pub max_commit_lead: Option<u64>,
        /// How far ahead of the next height to finalise a vote may be. Default 1 000.
        #[serde(default)]
        pub max_vote_lead: Option<u64>,
        /// Denomination of its rewards on this chain. Absent: no rewards are accepted.
        #[serde(default)]
        pub reward_denom: Option<String>,
        /// Rewards per settled height; absent = all that has been funded.
        #[serde(default)]
        pub reward_per_height: Option<Uint128>,
    }

    /// Messages that change state.
    pub enum ExecuteMsg {
        /// Commits to the randomness of heights `start_height .. start_height + count` of a consumer.
        CommitRandomness {
            /// Consumer.
            consumer: String,
            /// Provider.
            fp_pk: Key,
            /// First height; above all heights committed before.
            start_height: u64,
            /// Number of values.
            count: u64,
            /// Merkle root of the values (spec §3.7).
            commitment: Hash32,
            /// BIP-340 signature of the commitment, 64 bytes.
            signature: Binary,
        },
        /// Submits votes of one provider, at most 200. A vote that conflicts with an earlier one is evidence:
        /// it is stored, and the provider slashed. A vote that fails is reported by event `item_refused`
        /// and undoes no other; the message fails if all do.
        SubmitVotes {
            /// Consumer.
            consumer: String,
            /// Provider.
            fp_pk: Key,
            /// Votes, ascending by height.
            votes: Vec<Vote>,
            /// Then finalises at most this many heights; 0 = leave that to others.
            #[serde(default)]
            finalize: u32,
        },
        /// Counts votes and finalises heights in order, as far as they have more than 2/3 of the power; then
        /// settles liveness and rewards of earlier ones. Anyone.
        Finalize {
            /// Consumer.
            consumer: String,
            /// Heights at most.
            limit: u32,
        },
        /// Proves that a provider signed two different messages under one nonce, in whatever context. Its
        /// key is extracted and the provider slashed, whatever its status. Anyone.
        SubmitEvidence {
            /// Provider.
            fp_pk: Key,
            /// Public randomness that both were signed with.
            pub_rand: Hash32,
            /// One message.
            first: SignedMessage,
            /// The other.
            second: SignedMessage,
        },
        /// Proves that a provider's key leaked, by the key itself (spec §8.5, selective slashing). Anyone.
        SubmitLeakedKey {
            /// Provider.
            fp_pk: Key,
            /// Its secret key.
            secret_key: Hash32,
        },
        /// Records which Bitcoin height goes with this hub height, for timestamps. Anyone.
        TouchBtcTip {},
        /// Ends a jailing whose time is up. Owner of the provider.
        Unjail {
            /// Consumer.
            consumer: String,
            /// Provider.
            fp_pk: Key,
        },
        /// Puts coins of the consumer's reward denomination into its pool. Anyone.
        FundRewards {
            /// Consumer.
            consumer: String,
        },
        /// Pays a staker what it earned with a provider.
        ClaimRewards {
            /// Consumer.
            consumer: String,
            /// Provider.
            fp_pk: Key,
        },
        /// Pays a provider's owner its commission.
        ClaimCommission {
            /// Consumer.
            consumer: String,
            /// Provider.
            fp_pk: Key,
        },
        /// Sends again what a peer refused. Anyone.
        Retry {
            /// Messages at most.
            limit: u32,
        },
        /// Deletes votes of settled heights older than the evidence horizon. Anyone.
        Prune {
            /// Consumer.
            consumer: String,
            /// Records at most.
            limit: u32,
        },

        /// From `btc-staking`: a provider registered or changed.
        ProviderUpdated(ProviderUpdate),
        /// From `btc-staking`: delegations began or ceased to count.
        PowerChanges {
            /// Changes, in order.
            changes: Vec<PowerChange>,
        },
        /// From `btc-staking`: a provider's key leaked through a slashing transaction on Bitcoin.
        ProviderSlashed {
            /// Provider.
            fp_pk: Key,
            /// Its secret key.
            secret_key: Hash32,
        },

        /// Adds a consumer. Admin only.
        RegisterConsumer(ConsumerSettings),
        /// Changes a consumer's settings; absent ones stay, `activation_height` cannot change. Admin only.
        UpdateConsumer(ConsumerSettings),
        /// Lets finality go on after a halt: jails providers and takes a new power snapshot for the next
        /// height, or gives heights up. Admin only.
        Resume {
            /// Consumer.
            consumer: String,
            /// Providers to jail.
            #[serde(default)]
            jail: Vec<Key>,
            /// Next height to finalise, not below the current one; heights in between never become final.
            #[serde(default)]
            next_height: Option<u64>,
        },
        /// Pauses (guardian or admin) or resumes (admin) votes and finalisation of a consumer. Evidence is
        /// never paused.
        SetPaused {
            /// Consumer.
            consumer: String,
            /// New state.
            paused: bool,
        },
        /// Names the vault. Admin only, once.
        SetVault {
            /// Address of `btc-vault`.
            vault: String,
        },
        /// Hands governance over, and names the guardian. Admin only.
        UpdateAdmin {
            /// New admin; absent = unchanged.
            #[serde(default)]
            admin: Option<String>,
            /// New guardian; absent = unchanged.
            #[serde(default)]
            guardian: Option<String>,
        },
    }

    /// A vote for the block of one height.
    pub struct Vote {
        /// Height.
        pub height: u64,
        /// Application hash.
        pub app_hash: Hash32,
        /// Public randomness of the height.
        pub pub_rand: Hash32,
        /// Concatenated 32-byte aunts from the leaf up; position and size follow from the commitment.
        pub proof: Binary,
        /// EOTS signature.
        pub signature: Hash32,
    }

    /// Any message signed by EOTS: context, height and application hash for a vote.
    pub struct SignedMessage {
        /// The bytes that were signed, context included.
        pub message: Binary,
        /// EOTS signature.
        pub signature: Hash32,
    }

    /// A provider as `btc-staking` knows it.
    pub struct ProviderUpdate {
        /// BTC key.
        pub fp_pk: Key,
        /// Owner's address.
        pub owner: String,
        /// Share of the rewards that the provider keeps.
        pub commission: Decimal,
        /// Consumers it votes for; fixed at registration.
        pub consumers: Vec<String>,
    }

    /// A delegation that began or ceased to count.
    pub struct PowerChange {
        /// Staking txid.
        pub txid: Txid,
        /// Owner's address, to whom rewards go.
        pub staker: String,
        /// Satoshi.
        pub sat: u64,
        /// Providers for which it changes.
        pub fp_pks: Vec<Key>,
        /// Whether it begins to count.
        pub added: bool,
    }

    /// Questions. Lists take `start_after` and `limit` (at most 100, default 30).
    pub enum QueryMsg {
        /// Answers [`Config`].
        Config {},
        /// Answers `Option<`[`Consumer`]`>`.
        Consumer {
            /// Chain id.
            id: String,
        },
        /// Consumers in order of id; answers [`Consumers`].
        Consumers {
            /// Id after which to begin.
            #[serde(default)]
            start_after: Option<String>,
            /// Page size.
            #[serde(default)]
            limit: Option<u32>,
        },
        /// Whether and with what power a height is final; answers [`Finalized`].
        IsFinalized {
            /// Consumer.
            consumer: String,
            /// Height.
            height: u64,
        },
        /// Final heights in order; answers [`FinalizedHeights`].
        FinalizedHeights {
            /// Consumer.
            consumer: String,
            /// Height after which to begin (below which, descending).
            #[serde(default)]
            start_after: Option<u64>,
            /// Page size.
            #[serde(default)]
            limit: Option<u32>,
            /// From the newest downwards.
            #[serde(default)]
            descending: bool,
        },
        /// Providers with power, heaviest first, as they stand; answers [`ActiveSet`].
        ActiveSet {
            /// Consumer.
            consumer: String,
        },
        /// A power snapshot by number; answers `Option<`[`ActiveSet`]`>`.
        PowerTable {
            /// Consumer.
            consumer: String,
            /// Number of the snapshot.
            version: u32,
        },
        /// A provider at a consumer; answers `Option<`[`ProviderInfo`]`>`.
        Provider {
            /// Consumer.
            consumer: String,
            /// Provider.
            fp_pk: Key,
        },
        /// Providers of a consumer in the order in which they came to it; answers [`ProviderInfos`].
        Providers {
            /// Consumer.
            consumer: String,
            /// Key after which to begin.
            #[serde(default)]
            start_after: Option<Key>,
            /// Page size.
            #[serde(default)]
            limit: Option<u32>,
        },
        /// Randomness commitments of a provider, in order of height; answers [`Commits`].
        Commits {
            /// Consumer.
            consumer: String,
            /// Provider.
            fp_pk: Key,
            /// Start height after which to begin (below which, descending).
            #[serde(default)]
            start_after: Option<u64>,
            /// Page size.
            #[serde(default)]
            limit: Option<u32>,
            /// From the newest downwards.
            #[serde(default)]
            descending: bool,
        },
        /// Votes at a height; answers [`Votes`].
        Votes {
            /// Consumer.
            consumer: String,
            /// Height.
            height: u64,
            /// Provider after which to begin.
            #[serde(default)]
            start_after: Option<Key>,
            /// Page size.
            #[serde(default)]
            limit: Option<u32>,
        },
        /// A provider's vote at a height; answers `Option<`[`VoteInfo`]`>`.
        Vote {
            /// Consumer.
            consumer: String,
            /// Provider.
            fp_pk: Key,
            /// Height.
            height: u64,
        },
        /// Evidence against a provider; answers `Option<`[`Evidence`]`>`.
        Evidence {
            /// Provider.
            fp_pk: Key,
        },
        /// All evidence in order of key; answers [`Evidences`].
        Evidences {
            /// Provider after which to begin.
            #[serde(default)]
            start_after: Option<Key>,
            /// Page size.
            #[serde(default)]
            limit: Option<u32>,
        },
        /// What a staker can claim; answers [`Rewards`].
        Rewards {
            /// Consumer.
            consumer: String,
            /// Provider.
            fp_pk: Key,
            /// Staker's address.
            staker: String,
        },
        /// What a provider's owner can claim; answers [`Rewards`].
        Commission {
            /// Consumer.
            consumer: String,
            /// Provider.
            fp_pk: Key,
        },
        /// Which hub heights are timestamped; answers [`Timestamps`].
        Timestamps {},
        /// Messages that a peer refused; answers [`Outbox`].
        Outbox {
            /// Number after which to begin.
            #[serde(default)]
            start_after: Option<u64>,
            /// Page size.
            #[serde(default)]
            limit: Option<u32>,
        },
    }

    /// Answer to [`QueryMsg::Config`].
    pub struct Config {
        /// `btc-staking`.
        pub staking: String,
        /// `btc-light-client`.
        pub light_client: String,
        /// `btc-vault`.
        pub vault: Option<String>,
        /// How messages are signed.
        pub signing: Signing,
        /// Bitcoin depth of a timestamp.
        pub timestamp_depth: u32,
        /// Governance.
        pub admin: String,
        /// Guardian.
        pub guardian: Option<String>,
    }

    /// A consumer as it stands.
    pub struct Consumer {
        /// Chain id.
        pub id: String,
        /// Rules in force, none absent but those of rewards.
        pub settings: ConsumerSettings,
        /// Lowest height that is not final.
        pub next_height: u64,
        /// Highest final height, if any.
        pub last_finalized: Option<u64>,
        /// Lowest height that is not settled.
        pub next_settlement: u64,
        /// Number of the newest power snapshot.
        pub power_version: u32,
        /// Whether votes are refused for now.
        pub paused: bool,
        /// Registered providers.
        pub providers: u32,
        /// Rewards not yet given out.
        pub reward_pool: Uint128,
    }

    /// Answer to [`QueryMsg::Consumers`].
    pub struct Consumers {
        /// In order of id.
        pub consumers: Vec<Consumer>,
    }

    /// Answer to [`QueryMsg::IsFinalized`].
    #[derive(Copy)]
    pub struct Finalized {
        /// Height asked for.
        pub height: u64,
        /// Whether it is final.
        pub finalized: bool,
        /// The final application hash.
        pub app_hash: Option<Hash32>,
        /// Satoshi that had voted for it when it became final (for a height not final: that vote for the
        /// leading hash).
        pub power: u64,
        /// Satoshi of the whole snapshot.
        pub total: u64,
    }

    /// Answer to [`QueryMsg::FinalizedHeights`].
    pub struct FinalizedHeights {
        /// In the order asked for.
        pub heights: Vec<Finalized>,
    }

    /// A provider and its power.
    #[derive(Copy)]
    pub struct PowerOf {
        /// Provider.
        pub fp_pk: Key,
        /// Satoshi.
        pub power: u64,
    }

    /// A set of providers with power.
    pub struct ActiveSet {
        /// Number of the snapshot.
        pub version: u32,
        /// Sum in satoshi.
        pub total: u64,
        /// Heaviest first; ties by ascending key.
        pub providers: Vec<PowerOf>,
    }

    /// A provider at a consumer.
    pub struct ProviderInfo {
        /// BTC key.
        pub fp_pk: Key,
        /// Owner's address.
        pub owner: String,
        /// Satoshi delegated to it.
        pub power: u64,
        /// Commission.
        pub commission: Decimal,
        /// Whether it is jailed here.
        pub jailed: bool,
        /// Time from which it may leave jail, seconds since 1970.
        pub jailed_until: Option<u64>,
        /// Whether its key leaked.
        pub slashed: bool,
        /// Heights missed in the current liveness window.
        pub missed: u32,
        /// Last height its randomness is committed for, if any.
        pub committed_until: Option<u64>,
        /// Last height its randomness is committed and timestamped for, if any.
        pub usable_until: Option<u64>,
    }

    /// Answer to [`QueryMsg::Providers`].
    pub struct ProviderInfos {
        /// In the order in which they came.
        pub providers: Vec<ProviderInfo>,
    }

    /// A randomness commitment.
    #[derive(Copy)]
    pub struct Commit {
        /// First height.
        pub start_height: u64,
        /// Number of values.
        pub count: u64,
        /// Merkle root.
        pub commitment: Hash32,
        /// Hub height that carried it.
        pub hub_height: u64,
        /// Whether it is timestamped, hence usable.
        pub usable: bool,
    }

    /// Answer to [`QueryMsg::Commits`].
    pub struct Commits {
        /// In the order asked for.
        pub commits: Vec<Commit>,
    }

    /// A stored vote.
    #[derive(Copy)]
    pub struct VoteInfo {
        /// Provider.
        pub fp_pk: Key,
        /// Height.
        pub height: u64,
        /// Application hash.
        pub app_hash: Hash32,
        /// EOTS signature.
        pub signature: Hash32,
    }

    /// Answer to [`QueryMsg::Votes`].
    pub struct Votes {
        /// In order of registration of the providers.
        pub votes: Vec<VoteInfo>,
    }

    /// Why a provider was slashed.
    pub struct Evidence {
        /// Provider.
        pub fp_pk: Key,
        /// The extracted secret key (of the point of even y). It is public: anyone could compute it.
        pub secret_key: Hash32,
        /// Consumer and height of the double vote, where the messages are votes known here.
        pub consumer: Option<String>,
        /// Height of the double vote.
        pub height: Option<u64>,
        /// Public randomness; absent when the key itself was the proof.
        pub pub_rand: Option<Hash32>,
        /// The two messages; empty when the key itself was the proof.
        pub messages: Vec<SignedMessage>,
        /// Hub height of the slashing.
        pub hub_height: u64,
    }

    /// Answer to [`QueryMsg::Evidences`].
    pub struct Evidences {
        /// In order of key.
        pub evidences: Vec<Evidence>,
    }

    /// Coins to claim.
    pub struct Rewards {
        /// Amount; `None` when the consumer has no reward denomination.
        pub amount: Option<Coin>,
    }

    /// A pair of heights.
    #[derive(Copy)]
    pub struct Anchor {
        /// Hub height.
        pub hub_height: u64,
        /// Bitcoin tip at that hub height.
        pub btc_height: u32,
    }

    /// Answer to [`QueryMsg::Timestamps`].
    pub struct Timestamps {
        /// Hub heights up to this one are timestamped; absent = none. With `timestamp_depth` 0 all are.
        pub timestamped_until: Option<u64>,
        /// Anchors that are not deep enough yet, oldest first.
        pub pending: Vec<Anchor>,
    }

    /// Migration; nothing to say.
    #[derive(Default)]
    pub struct MigrateMsg {}
}
