//! Each output as a miniscript descriptor, so that any descriptor wallet can watch and spend it (feature `bitcoin`).
//!
//! `tr(NUMS,{{and_v(v:pk(S),older(T)),and_v(v:pk(S),multi_a(q,…))},and_v(v:pk(S),and_v(v:pk(F),multi_a(q,…)))})`.
//! The descriptor is compared with the hand-laid output before it is returned. The staker's key may be given as any
//! key expression (with origin, or a private key for a wallet that signs); the other keys are plain.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use miniscript::descriptor::DescriptorPublicKey;
use miniscript::{Descriptor, ForEachKey};

use crate::keys::{Covenants, Providers, Stakers, sorted};
use crate::script::{SlashingChange, StakingOutput, UnbondingOutput};
use crate::taproot::NUMS;
use crate::timelock::{StakingTime, UnbondingTime};

/// Why there is no descriptor.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DescriptorError {
    /// A key expression is wrong.
    #[error("descriptor: {0}")]
    Miniscript(#[from] miniscript::Error),
    /// Not one key expression per staker key.
    #[error("{found} key expressions for {expected} staker keys")]
    KeyExpressions {
        /// Staker keys.
        expected: usize,
        /// Expressions given.
        found: usize,
    },
    /// The descriptor has several addresses; a stake has one.
    #[error("key expression has a wildcard or several paths")]
    NotDefinite,
    /// The key expressions are not the keys of the output.
    #[error("key expressions do not give the output's keys")]
    OtherOutput,
}

/// How the staker's keys are written: one expression per key, in the order of [`Stakers::keys`].
#[derive(Clone, Debug)]
pub struct StakerExpressions(Vec<String>);

impl StakerExpressions {
    /// Writes the keys as they are.
    #[must_use]
    pub fn plain(stakers: &Stakers) -> Self {
        Self(stakers.keys().iter().map(ToString::to_string).collect())
    }

    /// Takes key expressions, for instance `[d34db33f/86h/0h/0h]xpub…/0/5`.
    ///
    /// # Errors
    /// [`DescriptorError::KeyExpressions`].
    pub fn new(stakers: &Stakers, expressions: Vec<String>) -> Result<Self, DescriptorError> {
        let (expected, found) = (stakers.keys().len(), expressions.len());
        if expected == found {
            Ok(Self(expressions))
        } else {
            Err(DescriptorError::KeyExpressions { expected, found })
        }
    }

    /// Writes "the staker signs" in the order that the script has.
    fn fragment(&self, stakers: &Stakers) -> String {
        let mut pairs: Vec<_> = stakers.keys().iter().zip(&self.0).collect();
        pairs.sort_unstable_by_key(|(key, _)| **key);
        let keys: Vec<&str> = pairs.into_iter().map(|(_, text)| text.as_str()).collect();
        multi(&keys, stakers.quorum())
    }
}

fn multi(keys: &[&str], quorum: u32) -> String {
    match keys {
        [only] => format!("pk({only})"),
        many => format!("multi_a({quorum},{})", many.join(",")),
    }
}

fn multi_of<K: ToString>(keys: &[K], quorum: u32) -> String {
    let texts: Vec<String> = keys.iter().map(ToString::to_string).collect();
    multi(&texts.iter().map(String::as_str).collect::<Vec<_>>(), quorum)
}

fn timelock(staker: &str, blocks: u16) -> String {
    format!("and_v(v:{staker},older({blocks}))")
}

fn unbonding(staker: &str, covenants: &Covenants) -> String {
    format!("and_v(v:{staker},{})", multi_of(covenants.keys(), covenants.quorum()))
}

fn slashing(staker: &str, providers: &Providers, covenants: &Covenants) -> String {
    let provider = multi_of(&sorted(providers.keys()), 1);
    let covenant = multi_of(covenants.keys(), covenants.quorum());
    format!("and_v(v:{staker},and_v(v:{provider},{covenant}))")
}

fn parse(tree: &str, pk_script: &[u8; 34]) -> Result<Descriptor<DescriptorPublicKey>, DescriptorError> {
    let nums: String = NUMS.iter().map(|byte| format!("{byte:02x}")).collect();
    let text = format!("tr({nums},{tree})");
    let secp = bitcoin::secp256k1::Secp256k1::signing_only();
    // Reads private keys too; they are turned into public ones.
    let (descriptor, _) = Descriptor::parse_descriptor(&secp, &text)?;
    let definite = !descriptor.has_wildcard() && descriptor.for_each_key(|key| !key.is_multipath());
    if !definite {
        return Err(DescriptorError::NotDefinite);
    }
    let derived = descriptor.at_derivation_index(0).map_err(|_| DescriptorError::NotDefinite)?;
    let verifier = bitcoin::secp256k1::Secp256k1::verification_only();
    let concrete = derived.derived_descriptor(&verifier).map_err(|_| DescriptorError::NotDefinite)?;
    let same = concrete.script_pubkey().as_bytes() == pk_script;
    if same { Ok(descriptor) } else { Err(DescriptorError::OtherOutput) }
}

/// Returns the descriptor of a staking output.
///
/// # Errors
/// [`DescriptorError`].
pub fn staking(
    output: &StakingOutput,
    stakers: &Stakers,
    expressions: &StakerExpressions,
    providers: &Providers,
    covenants: &Covenants,
    time: StakingTime,
) -> Result<Descriptor<DescriptorPublicKey>, DescriptorError> {
    let staker = expressions.fragment(stakers);
    let (lock, slash) = (timelock(&staker, time.blocks()), slashing(&staker, providers, covenants));
    let tree = format!("{{{{{lock},{}}},{slash}}}", unbonding(&staker, covenants));
    parse(&tree, &output.pk_script())
}

/// Returns the descriptor of an unbonding output.
///
/// # Errors
/// [`DescriptorError`].
pub fn unbonding_output(
    output: &UnbondingOutput,
    stakers: &Stakers,
    expressions: &StakerExpressions,
    providers: &Providers,
    covenants: &Covenants,
    time: UnbondingTime,
) -> Result<Descriptor<DescriptorPublicKey>, DescriptorError> {
    let staker = expressions.fragment(stakers);
    let (lock, slash) = (timelock(&staker, time.blocks()), slashing(&staker, providers, covenants));
    parse(&format!("{{{lock},{slash}}}"), &output.pk_script())
}

/// Returns the descriptor of the change of a slashing transaction.
///
/// # Errors
/// [`DescriptorError`].
pub fn slashing_change(
    output: &SlashingChange,
    stakers: &Stakers,
    expressions: &StakerExpressions,
    time: UnbondingTime,
) -> Result<Descriptor<DescriptorPublicKey>, DescriptorError> {
    parse(&timelock(&expressions.fragment(stakers), time.blocks()), &output.pk_script())
}
