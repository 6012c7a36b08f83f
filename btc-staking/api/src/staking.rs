//! Messages of `btc-staking`: parameters, finality providers and delegations, verified from raw transactions.
//!
//! A registration carries the staking transaction and keys; the unbonding and slashing transactions follow
//! from them and the parameters, so they need not be sent. Satoshi are numbers, heights are Bitcoin heights
//! unless said otherwise, times are in blocks.

use std::string::String;
use std::vec::Vec;

use crate::hex::{Key, Txid};
pub use crate::light_client::InclusionProof;
use crate::mesh::{Binary, Decimal};

crate::mesh::wire! {
    /// Creates the contract. Finality and vault are named later by [`ExecuteMsg::SetPeers`].
    pub struct InstantiateMsg {
        /// Address of `btc-light-client` on this chain.
        pub light_client: String,
        /// How messages outside Bitcoin are signed.
        #[serde(default)]
        pub signing: Signing,
        /// First parameter versions, from version 0, in order of activation height.
        pub params: Vec<Params>,
        /// Governance. Default: the sender.
        #[serde(default)]
        pub admin: Option<String>,
        /// May pause, not unpause.
        #[serde(default)]
        pub guardian: Option<String>,
    }

    /// How proofs of possession, commitments and votes are separated from each other and between chains.
    #[derive(Copy, Default)]
    pub enum Signing {
        /// Context v0 (spec §3.6): bound to chain id and contract address.
        #[default]
        ContextV0,
        /// No context, as bbn-1 signs. For interoperation tests only: signatures can be replayed between
        /// chains and purposes (traps B1, B2).
        Plain,
    }

    /// One version of the staking parameters. Immutable once it is stored.
    pub struct Params {
        /// First Bitcoin height at which the version holds; strictly increasing over versions.
        pub btc_activation_height: u32,
        /// Covenant committee, in any order.
        pub covenant_pks: Vec<Key>,
        /// Signatures needed; more than half of the committee.
        pub covenant_quorum: u32,
        /// Smallest stake in satoshi.
        pub min_staking_value_sat: u64,
        /// Largest stake in satoshi.
        pub max_staking_value_sat: u64,
        /// Shortest staking time in blocks.
        pub min_staking_time_blocks: u32,
        /// Longest staking time in blocks, at most 65 535.
        pub max_staking_time_blocks: u32,
        /// Script that receives the slashed share.
        pub slashing_pk_script: Binary,
        /// Fee of a slashing transaction in satoshi.
        pub min_slashing_tx_fee_sat: u64,
        /// Share that is slashed, at most 4 decimals.
        pub slashing_rate: Decimal,
        /// Timelock of unbonding and slashing-change outputs in blocks.
        pub unbonding_time_blocks: u32,
        /// Fee of the unbonding transaction in satoshi.
        pub unbonding_fee_sat: u64,
        /// Lowest commission of a provider.
        pub min_commission_rate: Decimal,
        /// Most providers of one delegation. Default 1.
        #[serde(default = "one")]
        pub max_finality_providers: u32,
        /// Most signatures asked of an M-of-N staker. Default 1: single keys only.
        #[serde(default = "one")]
        pub max_staker_quorum: u32,
        /// Most keys of an M-of-N staker. Default 1: single keys only.
        #[serde(default = "one")]
        pub max_staker_num: u32,
        /// Whether slashing transactions may differ from the derived ones (higher fee or slashed amount,
        /// version 2) and therefore may be sent in [`RegisterDelegation::transactions`]. Default no: one
        /// delegation has exactly one pair of slashing transactions (trap A14).
        #[serde(default)]
        pub lax_slashing_tx: bool,
    }

    /// Messages that change state.
    pub enum ExecuteMsg {
        /// Registers a finality provider; the sender becomes its owner and must be new, as must the key.
        RegisterProvider(RegisterProvider),
        /// Changes a provider. Owner only.
        EditProvider(EditProvider),
        /// Registers a delegation; the sender becomes its owner.
        RegisterDelegation(RegisterDelegation),
        /// Adds one covenant member's signatures to delegations. Anyone may submit. An item that fails is
        /// reported by event `item_refused` and undoes no other; the message fails if all do.
        AddCovenantSignatures {
            /// The member.
            covenant_pk: Key,
            /// Signatures per delegation, at most 50.
            items: Vec<CovenantSignatures>,
        },
        /// Proves inclusion of the staking transaction of VERIFIED delegations: they become ACTIVE. Also
        /// proves anew the inclusion of QUARANTINED ones. Per item as in `add_covenant_signatures`.
        Activate {
            /// Proofs, at most 50.
            items: Vec<Activation>,
        },
        /// Reports a Bitcoin transaction that spends staking outputs. Per item as above.
        Undelegate {
            /// Spends, at most 50.
            items: Vec<Spend>,
        },
        /// Ends delegations whose time is up: removes their power. Anyone.
        Expire {
            /// Delegations at most.
            limit: u32,
        },
        /// After a reorg at least k deep: takes power from delegations that were included above the fork
        /// point. Until it is done, nothing is activated. Anyone.
        Quarantine {
            /// Active delegations to look at, at most.
            limit: u32,
        },
        /// After a slashing: takes the power that delegations of the slashed provider gave to their other
        /// providers. Anyone.
        SweepSlashed {
            /// The slashed provider.
            fp_pk: Key,
            /// Delegations at most.
            limit: u32,
        },
        /// From `btc-finality`: the provider's key is known. Idempotent.
        Slash {
            /// The provider.
            fp_pk: Key,
        },
        /// Sends again what a peer refused. Anyone.
        Retry {
            /// Messages at most.
            limit: u32,
        },
        /// Adds a parameter version, with the next number. Admin only.
        AddParams {
            /// The version; its activation height must be above the tip and above all earlier ones.
            params: Params,
        },
        /// Names the contracts that are told of power. Admin only; each once.
        SetPeers {
            /// `btc-finality` on this chain.
            #[serde(default)]
            finality: Option<String>,
            /// `btc-vault` on this chain.
            #[serde(default)]
            vault: Option<String>,
        },
        /// Pauses (guardian or admin) or resumes (admin) registration and activation. Undelegation, expiry
        /// and slashing are never paused.
        SetPaused {
            /// New state.
            paused: bool,
        },
        /// Bars a provider from new delegations for good. Admin only.
        RetireProvider {
            /// The provider.
            fp_pk: Key,
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

    /// Proof that the holder of a Bitcoin key agrees to an address of this chain (spec §3.4).
    pub struct ProofOfPossession {
        /// Kind of signature.
        pub kind: PossessionKind,
        /// BIP-340: 64 bytes; ECDSA: 65 bytes compact; BIP-322: the protobuf `BIP322Sig`.
        pub signature: Binary,
    }

    /// Kind of a proof of possession.
    #[derive(Copy)]
    pub enum PossessionKind {
        /// Schnorr signature of the hashed address bytes.
        Bip340,
        /// BIP-322 simple signature of the address text (P2WPKH or P2TR key path).
        Bip322,
        /// `signmessage` signature of the address text.
        Ecdsa,
    }

    /// What a provider says of itself. Each text at most 280 bytes.
    #[derive(Default)]
    pub struct Description {
        /// Name, at most 70 bytes.
        #[serde(default)]
        pub moniker: String,
        /// Web page.
        #[serde(default)]
        pub website: String,
        /// Where to report problems.
        #[serde(default)]
        pub security_contact: String,
        /// Anything else.
        #[serde(default)]
        pub details: String,
    }

    /// Commission of a provider.
    #[derive(Copy)]
    pub struct Commission {
        /// Share of the rewards that the provider keeps.
        pub rate: Decimal,
        /// It will never be above this.
        pub max_rate: Decimal,
        /// Largest change within 24 hours.
        pub max_change_rate: Decimal,
    }

    /// See [`ExecuteMsg::RegisterProvider`].
    pub struct RegisterProvider {
        /// The provider's BTC key.
        pub fp_pk: Key,
        /// The key's agreement to the sender's address.
        pub pop: ProofOfPossession,
        /// Commission.
        pub commission: Commission,
        /// Description.
        #[serde(default)]
        pub description: Description,
        /// Chain ids of the consumers it votes for, at least one, each registered in `btc-finality`.
        pub consumers: Vec<String>,
    }

    /// See [`ExecuteMsg::EditProvider`]. Absent fields stay.
    pub struct EditProvider {
        /// The provider.
        pub fp_pk: Key,
        /// New rate; at most once in 24 hours.
        #[serde(default)]
        pub commission_rate: Option<Decimal>,
        /// New description.
        #[serde(default)]
        pub description: Option<Description>,
    }

    /// See [`ExecuteMsg::RegisterDelegation`].
    pub struct RegisterDelegation {
        /// The staker's key; the first of several.
        pub staker_pk: Key,
        /// The key's agreement to the sender's address.
        pub pop: ProofOfPossession,
        /// Providers, at least one; no two of them serve the same consumer.
        pub fp_pks: Vec<Key>,
        /// Timelock of the staking output in blocks.
        pub staking_time: u16,
        /// Value of the staking output.
        pub staking_value_sat: u64,
        /// Staking transaction in network serialisation; a witness is dropped.
        pub staking_tx: Binary,
        /// Staker's signature of the slashing transaction, 64 bytes.
        pub slashing_signature: Binary,
        /// Staker's signature of the unbonding output's slashing transaction, 64 bytes.
        pub unbonding_slashing_signature: Binary,
        /// Where the staking transaction is, if it is mined already (then k deep).
        #[serde(default)]
        pub inclusion: Option<InclusionProof>,
        /// The transactions themselves. Absent: derived. Present: checked as spec §5.2, and equal to the
        /// derived ones unless the parameters say otherwise.
        #[serde(default)]
        pub transactions: Option<PreSignedTransactions>,
        /// The stake that this one continues.
        #[serde(default)]
        pub expansion: Option<Expansion>,
        /// Further keys of an M-of-N staker.
        #[serde(default)]
        pub multisig: Option<MultisigStaker>,
    }

    /// Transactions of a delegation that are signed before any coin moves, in network serialisation.
    pub struct PreSignedTransactions {
        /// Spends the staking output.
        pub slashing_tx: Binary,
        /// Spends the staking output into the unbonding output.
        pub unbonding_tx: Binary,
        /// Spends the unbonding output.
        pub unbonding_slashing_tx: Binary,
        /// Declared timelock of the unbonding output in blocks; must be the parameter's.
        #[serde(default)]
        pub unbonding_time: Option<u16>,
        /// Declared value of the unbonding output; must be the transaction's.
        #[serde(default)]
        pub unbonding_value_sat: Option<u64>,
    }

    /// Continuation of an ACTIVE stake by one with the same keys and at least its value (spec §2.4).
    pub struct Expansion {
        /// The stake that is spent by input 0 of the staking transaction.
        pub previous_txid: Txid,
        /// Transaction that funds input 1, in network serialisation.
        pub funding_tx: Binary,
    }

    /// Keys of an M-of-N staker besides the first.
    pub struct MultisigStaker {
        /// The other N − 1 keys.
        pub other_pks: Vec<Key>,
        /// M.
        pub quorum: u32,
        /// Signatures of the others; with the first key's at least M for each transaction.
        pub signatures: Vec<StakerSignatures>,
    }

    /// One further staker key's signatures, 64 bytes each.
    pub struct StakerSignatures {
        /// The key.
        pub staker_pk: Key,
        /// Over the slashing transaction.
        pub slashing: Binary,
        /// Over the unbonding output's slashing transaction.
        pub unbonding_slashing: Binary,
    }

    /// One covenant member's signatures for one delegation.
    pub struct CovenantSignatures {
        /// The delegation.
        pub txid: Txid,
        /// Adaptor signatures of the slashing transaction, 65 bytes each, in the order of the providers.
        pub slashing: Vec<Binary>,
        /// BIP-340 signature of the unbonding transaction, 64 bytes.
        pub unbonding: Binary,
        /// Adaptor signatures of the unbonding output's slashing transaction, in the order of the providers.
        pub unbonding_slashing: Vec<Binary>,
        /// For an expansion: BIP-340 signature of the staking transaction's input 0.
        #[serde(default)]
        pub expansion: Option<Binary>,
    }

    /// Proof that a staking transaction is settled.
    pub struct Activation {
        /// The delegation.
        pub txid: Txid,
        /// Where its staking transaction is.
        pub proof: InclusionProof,
    }

    /// Proof that a staking output was spent.
    pub struct Spend {
        /// The delegation.
        pub txid: Txid,
        /// The spending transaction with its witness.
        pub spending_tx: Binary,
        /// Where it is; any depth. For an expansion it must be k deep.
        pub proof: InclusionProof,
        /// Transactions whose outputs the other inputs spend, and the staking transaction if it is not the
        /// only input; needed to recompute what was signed.
        #[serde(default)]
        pub funding_txs: Vec<Binary>,
    }

    /// State of a delegation. Computed at the tip, never stored.
    #[derive(Copy)]
    pub enum Status {
        /// Covenant signatures are missing.
        Pending,
        /// Signed by a covenant quorum; inclusion not proven.
        Verified,
        /// Counts.
        Active,
        /// Spent early.
        Unbonded,
        /// Too close to the end of its timelock, or past it.
        Expired,
        /// A deep reorg took its inclusion away.
        Quarantined,
        /// A provider of it was slashed.
        Slashed,
    }

    /// Questions. Lists take `start_after` (the last item of the page before) and `limit` (at most 100,
    /// default 30).
    pub enum QueryMsg {
        /// Answers [`Config`].
        Config {},
        /// Parameter versions in order; answers [`ParamsVersions`].
        ParamsVersions {
            /// Version after which to begin.
            #[serde(default)]
            start_after: Option<u32>,
            /// Page size.
            #[serde(default)]
            limit: Option<u32>,
        },
        /// The version that holds at a Bitcoin height (default: the tip); answers [`VersionedParams`].
        ParamsAt {
            /// Bitcoin height.
            #[serde(default)]
            height: Option<u32>,
        },
        /// Answers `Option<`[`Provider`]`>`.
        Provider {
            /// Its key.
            fp_pk: Key,
        },
        /// Providers in order of key; answers [`Providers`].
        Providers {
            /// Key after which to begin.
            #[serde(default)]
            start_after: Option<Key>,
            /// Page size.
            #[serde(default)]
            limit: Option<u32>,
        },
        /// Everything about a delegation; answers `Option<`[`Delegation`]`>`.
        Delegation {
            /// Staking txid.
            txid: Txid,
        },
        /// Delegations; answers [`Delegations`]. A page may be short or empty although `next` is set: each
        /// call looks at a bounded number of records.
        Delegations {
            /// Which ones.
            #[serde(default)]
            filter: DelegationFilter,
            /// Where to go on: `next` of the page before.
            #[serde(default)]
            start_after: Option<Txid>,
            /// Page size.
            #[serde(default)]
            limit: Option<u32>,
        },
        /// Delegations that a covenant member has not signed and may sign; answers [`Delegations`].
        PendingFor {
            /// The member.
            covenant_pk: Key,
            /// Where to go on.
            #[serde(default)]
            start_after: Option<Txid>,
            /// Page size.
            #[serde(default)]
            limit: Option<u32>,
        },
        /// Covenant signatures of a delegation; answers [`SignaturesOf`].
        CovenantSignatures {
            /// Staking txid.
            txid: Txid,
        },
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

    /// Conditions on delegations; all given ones must hold.
    #[derive(Default)]
    pub struct DelegationFilter {
        /// Owner.
        #[serde(default)]
        pub owner: Option<String>,
        /// Staker key.
        #[serde(default)]
        pub staker_pk: Option<Key>,
        /// Provider key.
        #[serde(default)]
        pub fp_pk: Option<Key>,
        /// State.
        #[serde(default)]
        pub status: Option<Status>,
    }

    /// Answer to [`QueryMsg::Config`].
    pub struct Config {
        /// `btc-light-client`.
        pub light_client: String,
        /// `btc-finality`.
        pub finality: Option<String>,
        /// `btc-vault`.
        pub vault: Option<String>,
        /// How messages are signed.
        pub signing: Signing,
        /// Chain id that signing contexts name.
        pub chain_id: String,
        /// Governance.
        pub admin: String,
        /// Guardian.
        pub guardian: Option<String>,
        /// Whether registration and activation are paused.
        pub paused: bool,
        /// Number of parameter versions.
        pub params_versions: u32,
        /// Whether a deep reorg waits for [`ExecuteMsg::Quarantine`].
        pub reorg_pending: bool,
    }

    /// A parameter version and its number.
    pub struct VersionedParams {
        /// Number, from 0.
        pub version: u32,
        /// The parameters.
        pub params: Params,
    }

    /// Answer to [`QueryMsg::ParamsVersions`].
    pub struct ParamsVersions {
        /// In order.
        pub versions: Vec<VersionedParams>,
    }

    /// A finality provider.
    pub struct Provider {
        /// BTC key.
        pub fp_pk: Key,
        /// Owner's address.
        pub owner: String,
        /// Description.
        pub description: Description,
        /// Commission.
        pub commission: Commission,
        /// Time of the last change of the rate, seconds since 1970.
        pub commission_changed: u64,
        /// Consumers it votes for.
        pub consumers: Vec<String>,
        /// Whether its key leaked.
        pub slashed: bool,
        /// Chain height of the slashing.
        pub slashed_height: Option<u64>,
        /// Whether governance retired it.
        pub retired: bool,
    }

    /// Answer to [`QueryMsg::Providers`].
    pub struct Providers {
        /// In order of key.
        pub providers: Vec<Provider>,
    }

    /// A delegation with all that is needed to rebuild and to spend it.
    pub struct Delegation {
        /// Staking txid.
        pub txid: Txid,
        /// State at the tip.
        pub status: Status,
        /// Owner's address.
        pub owner: String,
        /// Staker key.
        pub staker_pk: Key,
        /// Further keys and quorum of an M-of-N staker, with their signatures.
        pub multisig: Option<MultisigStaker>,
        /// Providers, in the order of adaptor signatures.
        pub fp_pks: Vec<Key>,
        /// Staking transaction without witness.
        pub staking_tx: Binary,
        /// Index of the staking output.
        pub staking_output_index: u32,
        /// Value of the staking output in satoshi.
        pub value_sat: u64,
        /// Timelock of the staking output in blocks.
        pub staking_time: u16,
        /// Timelock of the unbonding output in blocks.
        pub unbonding_time: u16,
        /// Number of the parameter version that it was registered under.
        pub params_version: u32,
        /// Bitcoin tip at registration.
        pub registered_btc_height: u32,
        /// Unbonding transaction, unsigned.
        pub unbonding_tx: Binary,
        /// Slashing transaction, unsigned.
        pub slashing_tx: Binary,
        /// Slashing transaction of the unbonding output, unsigned.
        pub unbonding_slashing_tx: Binary,
        /// Staker's signature of the slashing transaction.
        pub slashing_signature: Binary,
        /// Staker's signature of the unbonding output's slashing transaction.
        pub unbonding_slashing_signature: Binary,
        /// Members that have signed.
        pub covenant_signers: u32,
        /// Members that must sign.
        pub covenant_quorum: u32,
        /// Height of the block with the staking transaction, once proven.
        pub start_height: Option<u32>,
        /// Height at which the timelock ends, once `start_height` is known.
        pub end_height: Option<u32>,
        /// Whether its power is counted.
        pub counted: bool,
        /// How it was spent.
        pub spend: Option<SpendRecord>,
        /// The stake it continues.
        pub previous_txid: Option<Txid>,
        /// Serialised output that funds the expansion (value, script).
        pub funding_output: Option<Binary>,
    }

    /// How a staking output was spent.
    #[derive(Copy)]
    pub struct SpendRecord {
        /// Spending transaction.
        pub txid: Txid,
        /// What it was.
        pub kind: SpendKind,
        /// Height of its block.
        pub btc_height: u32,
    }

    /// What a spend of a staking output was.
    #[derive(Copy)]
    pub enum SpendKind {
        /// The registered unbonding transaction.
        Unbonding,
        /// The registered slashing transaction.
        Slashing,
        /// A registered expansion.
        Expansion,
        /// Anything else: an alarm.
        Unexpected,
    }

    /// Answer to [`QueryMsg::Delegations`] and [`QueryMsg::PendingFor`].
    pub struct Delegations {
        /// In order of storage.
        pub delegations: Vec<Delegation>,
        /// Where to go on; absent = end.
        pub next: Option<Txid>,
    }

    /// One member's stored signatures.
    pub struct MemberSignatures {
        /// The member.
        pub covenant_pk: Key,
        /// Adaptor signatures of the slashing transaction, in the order of the providers.
        pub slashing: Vec<Binary>,
        /// Signature of the unbonding transaction.
        pub unbonding: Binary,
        /// Adaptor signatures of the unbonding output's slashing transaction.
        pub unbonding_slashing: Vec<Binary>,
        /// Signature of the expansion's input 0.
        pub expansion: Option<Binary>,
    }

    /// Answer to [`QueryMsg::CovenantSignatures`].
    pub struct SignaturesOf {
        /// In the order in which they came.
        pub members: Vec<MemberSignatures>,
        /// Signatures needed.
        pub quorum: u32,
    }

    /// A message that waits to be sent again.
    pub struct OutboxItem {
        /// Number.
        pub id: u64,
        /// Contract that refused it.
        pub to: String,
        /// The message.
        pub msg: Binary,
        /// Why it was refused last.
        pub error: String,
    }

    /// Messages that wait.
    pub struct Outbox {
        /// In order.
        pub items: Vec<OutboxItem>,
    }

    /// Migration; nothing to say.
    #[derive(Default)]
    pub struct MigrateMsg {}
}

const fn one() -> u32 {
    1
}
