//! Messages of `operator-registry`: who operates which validators and providers (§15-7, §15-8, §16.3 I3).
#![allow(
    missing_docs,
    reason = "fields carry the names of the wire format; the variant's text says what they are"
)]

use super::types::{Binary, Coin, Decimal, Uint128};
use std::string::String;
use std::vec::Vec;

super::wire! {
    /// Creates a registry.
    pub struct InstantiateMsg {
        pub owner: String,
        /// Accounts (contracts) that may report proven faults, e.g. btc-finality and external-staking.
        #[serde(default)]
        pub reporters: Vec<String>,
        #[serde(default)]
        pub penalty: Penalty,
    }

    /// What a proven fault of an operator on one chain does to its twins on the others.
    #[derive(Default, Copy)]
    pub enum Penalty {
        /// Nothing.
        #[default]
        None,
        /// The operator is dropped from the delegable lists.
        Jail {},
        /// As `jail`, and its self-bond liens lose this share.
        Slash { ratio: Decimal },
    }

    /// Kind of a consensus or provider key.
    #[derive(Copy)]
    pub enum KeyKind {
        /// Consensus key of a validator, ed25519, 32 bytes.
        Ed25519,
        /// Account key of a valoper, secp256k1 compressed, 33 bytes.
        Secp256k1,
        /// x-only key of a finality provider, BIP-340, 32 bytes; never a validator's.
        Bip340,
    }

    /// Messages.
    pub enum ExecuteMsg {
        /// The sender becomes an operator.
        RegisterOperator { moniker: String },
        /// Binds a validator of a chain to the sender. The signature is the validator key's over
        /// [`binding_message`]; the operator's own half of the proof is the signed transaction.
        /// Ed25519: the consensus key, which the owner has published. Secp256k1: the key that the valoper's address is
        /// the hash of, where no consensus key is published. Another key proves nothing.
        BindValidator { chain_id: String, valoper: String, kind: KeyKind, pub_key: Binary, signature: Binary },
        /// Binds a finality provider key, for one consumer, to the sender. Signature as above, BIP-340.
        BindProvider { consumer: String, fp_pk: String, signature: Binary },
        /// Removes a validator binding after the cooling-off time.
        UnbindValidator { chain_id: String, valoper: String },
        /// Owner: binds without a proof, for chains whose keys cannot sign (marked `vouched`).
        Vouch { operator: String, chain_id: String, valoper: String, fp_pk: Option<String> },
        /// From an admitted vault: an operator cross-stakes with the registry, as self-bond that correlated penalties
        /// may cut. The registry shows vaults the face of a lien holder.
        ReceiveVirtualStake { owner: String, amount: Coin, tx_id: u64, msg: Binary },
        /// From an admitted vault: collateral of a self-bond is gone.
        BurnVirtualStake { owner: String, amount: Coin, validator: Option<String> },
        /// The sender takes self-bond back; refused while jailed.
        ReleaseSelfBond { vault: String, amount: Coin },
        /// Owner: vaults that self-bonds may come from.
        SetVaults { vaults: Vec<String> },
        /// Reporter: an operator's key misbehaved.
        ReportFault { chain_id: String, fp_pk: Option<String>, valoper: Option<String> },
        /// Owner: forgives a jailed operator.
        Pardon { operator: String },
        /// Owner.
        SetPenalty { penalty: Penalty },
        /// Owner.
        SetReporters { reporters: Vec<String> },
        /// Owner: consensus keys (base64 of 32 bytes) of validators of a chain, which bindings must match.
        PublishKeys { chain_id: String, keys: Vec<(String, Binary)> },
        /// Reporter or owner: power of validators of a chain, for power-weighted overlap.
        SetPowers { chain_id: String, powers: Vec<(String, Uint128)> },
    }

    /// Queries.
    pub enum QueryMsg {
        /// [`ConfigResponse`].
        Config {},
        /// [`OperatorResponse`].
        Operator { operator: String },
        /// [`BoundFpResponse`]: which provider key is bound to a consumer's validator.
        BoundFp { consumer: String, validator: String },
        /// [`BoundValidatorResponse`]: which validator of a consumer a provider key is bound to.
        BoundValidator { consumer: String, fp_pk: String },
        /// [`OverlapResponse`].
        Overlap { chain_a: String, chain_b: String },
        /// [`DelegableResponse`].
        Delegable { chain_id: String, validator: String },
        /// [`super::vault::MaxSlashResponse`]: what a penalty may cost a self-bond.
        MaxSlash {},
        /// [`SelfBondResponse`].
        SelfBond { operator: String, vault: String },
    }

    /// Settings.
    pub struct ConfigResponse {
        pub owner: String,
        pub reporters: Vec<String>,
        pub penalty: Penalty,
    }

    /// A validator of an operator.
    pub struct ValidatorBinding {
        pub chain_id: String,
        pub valoper: String,
        pub vouched: bool,
    }

    /// A provider key of an operator.
    pub struct ProviderBinding {
        pub consumer: String,
        pub fp_pk: String,
        pub vouched: bool,
    }

    /// An operator.
    pub struct OperatorResponse {
        pub operator: String,
        pub moniker: String,
        pub jailed: bool,
        pub validators: Vec<ValidatorBinding>,
        pub providers: Vec<ProviderBinding>,
    }

    /// Provider key of a validator's operator.
    pub struct BoundFpResponse {
        pub fp_pk: Option<String>,
    }

    /// Validator of a provider key's operator.
    pub struct BoundValidatorResponse {
        pub validator: Option<String>,
    }

    /// Operators two chains have in common: share of `chain_a`'s validators, and of its power.
    pub struct OverlapResponse {
        pub common_operators: u32,
        pub validators_a: u32,
        pub validators_b: u32,
        pub by_count: Decimal,
        pub by_power: Decimal,
    }

    /// Self-bond of an operator.
    pub struct SelfBondResponse {
        pub amount: Uint128,
    }

    /// Whether new stake may go to a validator.
    pub struct DelegableResponse {
        pub delegable: bool,
    }
}

/// The bytes a bound key signs: domain, registry, operator, chain and name, each length-prefixed. Ed25519 signs
/// them as they are; secp256k1 and BIP-340 keys sign their SHA-256.
pub fn binding_message(registry: &str, operator: &str, chain_id: &str, name: &str) -> Vec<u8> {
    let mut out = b"mesh-btc/operator-binding/1".to_vec();
    for part in [registry, operator, chain_id, name] {
        out.extend_from_slice(&u32::try_from(part.len()).unwrap_or(u32::MAX).to_be_bytes());
        out.extend_from_slice(part.as_bytes());
    }
    out
}
