//! Witness stacks of every path, and the check that a stack opens a path (spec §1.4).
//!
//! Signatures are consumed from the top, so each group of keys has its slots in descending key order. A group's script
//! compares with NUMEQUAL: exactly the quorum must be filled, so the builders leave surplus signatures out.

use alloc::vec::Vec;
use core::cmp::Reverse;
use staking_crypto::adaptor::AdaptorSignature;
use staking_crypto::bip340::{self, Signature};
use staking_crypto::{Curve, SecretScalar, XOnly};

use super::raw::Transaction;
use super::sighash::Sighash;
use crate::keys::{CovenantKey, Covenants, ProviderKey, Providers, StakerKey, Stakers};
use crate::taproot::Leaf;

/// Why a witness cannot be built or does not open a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum WitnessError {
    /// Fewer signatures than the quorum.
    #[error("{found} {role} signatures of {quorum}")]
    BelowQuorum {
        /// Whose.
        role: Role,
        /// Signatures there are.
        found: usize,
        /// Signatures required.
        quorum: usize,
    },
    /// More signatures than the quorum: the script would refuse them too.
    #[error("{found} {role} signatures where exactly {quorum} must be")]
    AboveQuorum {
        /// Whose.
        role: Role,
        /// Signatures there are.
        found: usize,
        /// Signatures required.
        quorum: usize,
    },
    /// A signature by a key that is not in the script.
    #[error("{role} key {key} is not in the script")]
    UnknownKey {
        /// Claimed role.
        role: Role,
        /// The key.
        key: XOnly,
    },
    /// A covenant member gave no adaptor signature for this provider.
    #[error("covenant key {0} gave no signature for the provider")]
    NoAdaptorSignature(CovenantKey),
    /// The secret is not the provider's.
    #[error("secret is not the key of provider {0}")]
    OtherSecret(ProviderKey),
    /// The stack has another number of items.
    #[error("{found} witness items instead of {expected}")]
    ItemCount {
        /// Items the path needs.
        expected: usize,
        /// Items there are.
        found: usize,
    },
    /// Script or control block are not the path's.
    #[error("witness opens another script")]
    Script,
    /// A slot is neither empty nor a 64-byte signature valid for the slot's key.
    #[error("slot of {role} key {key} is not a signature by it")]
    Slot {
        /// Whose.
        role: Role,
        /// The key of the slot.
        key: XOnly,
    },
    /// The relative lock is not satisfied.
    #[error(
        "sequence {sequence:#x} of a version {version} transaction does not satisfy a lock of {lock} blocks"
    )]
    Lock {
        /// Blocks required.
        lock: u16,
        /// The input's sequence number.
        sequence: u32,
        /// The transaction's version.
        version: i32,
    },
    /// The input does not exist.
    #[error("no input {0}")]
    NoInput(usize),
}

/// Whose keys a group holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// The stake's owner.
    Staker,
    /// Finality providers.
    Provider,
    /// The committee.
    Covenant,
}

impl core::fmt::Display for Role {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(match self {
            Self::Staker => "staker",
            Self::Provider => "provider",
            Self::Covenant => "covenant",
        })
    }
}

/// Keys of one multi-signature fragment, in the order of their slots.
#[derive(Clone, Debug)]
pub struct Group {
    role: Role,
    keys: Vec<XOnly>,
    quorum: usize,
}

impl Group {
    /// The owner's group.
    #[must_use]
    pub fn stakers(stakers: &Stakers) -> Self {
        Self::new(Role::Staker, stakers.keys().iter().map(StakerKey::x_only), stakers.quorum())
    }

    /// The providers' group: exactly one signs.
    #[must_use]
    pub fn providers(providers: &Providers) -> Self {
        Self::new(Role::Provider, providers.keys().iter().map(ProviderKey::x_only), 1)
    }

    /// The committee's group.
    #[must_use]
    pub fn covenants(covenants: &Covenants) -> Self {
        Self::new(Role::Covenant, covenants.keys().iter().map(CovenantKey::x_only), covenants.quorum())
    }

    fn new<'a>(role: Role, keys: impl Iterator<Item = &'a XOnly>, quorum: u32) -> Self {
        let mut keys: Vec<XOnly> = keys.copied().collect();
        keys.sort_unstable_by_key(|key| Reverse(*key));
        Self { role, keys, quorum: usize::try_from(quorum).unwrap_or(usize::MAX) }
    }

    /// Lays the first `quorum` signatures, in slot order, into their slots.
    fn fill(&self, stack: &mut Vec<Vec<u8>>, signatures: &[(XOnly, Signature)]) -> Result<(), WitnessError> {
        if let Some((key, _)) = signatures.iter().find(|(key, _)| !self.keys.contains(key)) {
            return Err(WitnessError::UnknownKey { role: self.role, key: *key });
        }
        let mut filled = 0usize;
        for key in &self.keys {
            let signature = signatures.iter().find(|(k, _)| k == key).filter(|_| filled < self.quorum);
            filled = filled.saturating_add(usize::from(signature.is_some()));
            stack.push(signature.map(|(_, signature)| signature.to_bytes().to_vec()).unwrap_or_default());
        }
        if filled < self.quorum {
            return Err(WitnessError::BelowQuorum { role: self.role, found: filled, quorum: self.quorum });
        }
        Ok(())
    }

    /// Checks slots: each empty or valid, exactly the quorum filled.
    fn check<C: Curve>(&self, curve: &C, slots: &[Vec<u8>], digest: &Sighash) -> Result<(), WitnessError> {
        let role = self.role;
        let mut found = 0usize;
        for (key, slot) in self.keys.iter().zip(slots).filter(|(_, slot)| !slot.is_empty()) {
            let bad = WitnessError::Slot { role, key: *key };
            let bytes = <&[u8; 64]>::try_from(slot.as_slice()).map_err(|_| bad)?;
            let signature = Signature::from_bytes(bytes).map_err(|_| bad)?;
            bip340::verify(curve, key, &digest.0, &signature).map_err(|_| bad)?;
            found = found.saturating_add(1);
        }
        match found.cmp(&self.quorum) {
            core::cmp::Ordering::Less => Err(WitnessError::BelowQuorum { role, found, quorum: self.quorum }),
            core::cmp::Ordering::Greater => {
                Err(WitnessError::AboveQuorum { role, found, quorum: self.quorum })
            }
            core::cmp::Ordering::Equal => Ok(()),
        }
    }
}

fn by_x<K: Copy>(signatures: &[(K, Signature)], x: impl Fn(&K) -> &XOnly) -> Vec<(XOnly, Signature)> {
    signatures.iter().map(|(key, signature)| (*x(key), *signature)).collect()
}

fn finish(mut stack: Vec<Vec<u8>>, leaf: &Leaf, control_block: &[u8]) -> Vec<Vec<u8>> {
    stack.push(leaf.script().to_vec());
    stack.push(control_block.to_vec());
    stack
}

/// Builds the witness of a time lock path.
///
/// # Errors
/// [`WitnessError`].
pub fn timelock(
    stakers: &Stakers,
    signatures: &[(StakerKey, Signature)],
    leaf: &Leaf,
    control_block: &[u8],
) -> Result<Vec<Vec<u8>>, WitnessError> {
    let mut stack = Vec::new();
    Group::stakers(stakers).fill(&mut stack, &by_x(signatures, StakerKey::x_only))?;
    Ok(finish(stack, leaf, control_block))
}

/// Builds the witness of the unbonding path, also used by expansions.
///
/// # Errors
/// [`WitnessError`].
pub fn unbonding(
    covenants: &Covenants,
    covenant_signatures: &[(CovenantKey, Signature)],
    stakers: &Stakers,
    staker_signatures: &[(StakerKey, Signature)],
    leaf: &Leaf,
    control_block: &[u8],
) -> Result<Vec<Vec<u8>>, WitnessError> {
    let mut stack = Vec::new();
    Group::covenants(covenants).fill(&mut stack, &by_x(covenant_signatures, CovenantKey::x_only))?;
    Group::stakers(stakers).fill(&mut stack, &by_x(staker_signatures, StakerKey::x_only))?;
    Ok(finish(stack, leaf, control_block))
}

/// Adaptor signatures of one covenant member on a slashing transaction, one per provider in their order.
pub type MemberAdaptorSignatures = (CovenantKey, Vec<AdaptorSignature>);

/// A provider's secret key that was found out, checked against its public key.
///
/// The number is the one of the even point, so it decrypts adaptor signatures as it is.
pub struct LeakedKey {
    provider: ProviderKey,
    secret: SecretScalar,
}

impl LeakedKey {
    /// Checks a secret against a provider's key; the secret of either parity is accepted.
    ///
    /// # Errors
    /// [`WitnessError::OtherSecret`].
    pub fn check<C: Curve>(
        curve: &C,
        provider: ProviderKey,
        secret: SecretScalar,
    ) -> Result<Self, WitnessError> {
        let other = WitnessError::OtherSecret(provider);
        let number = staking_crypto::Scalar::from_bytes(secret.expose_secret()).map_err(|_| other)?;
        let point = curve.base_mul(&number).map_err(|_| other)?;
        if point.x_only() != *provider.x_only() {
            return Err(other);
        }
        let secret = if point.is_odd() { secret.negate() } else { secret };
        Ok(Self { provider, secret })
    }

    /// Returns whose key it is.
    #[must_use]
    pub fn provider(&self) -> ProviderKey {
        self.provider
    }

    /// Returns the secret of the even point.
    #[must_use]
    pub fn secret(&self) -> &SecretScalar {
        &self.secret
    }

    /// Completes the adaptor signatures of a member set for this provider.
    ///
    /// # Errors
    /// [`WitnessError::UnknownKey`] if the provider is not one of the stake's,
    /// [`WitnessError::NoAdaptorSignature`] if a member's list is too short.
    pub fn decrypt(
        &self,
        providers: &Providers,
        members: &[MemberAdaptorSignatures],
    ) -> Result<Vec<(CovenantKey, Signature)>, WitnessError> {
        let unknown = WitnessError::UnknownKey { role: Role::Provider, key: *self.provider.x_only() };
        let index = providers.position(&self.provider).ok_or(unknown)?;
        let decrypt = |(member, signatures): &MemberAdaptorSignatures| {
            let signature = signatures.get(index).ok_or(WitnessError::NoAdaptorSignature(*member))?;
            Ok((*member, signature.decrypt(&self.secret)))
        };
        members.iter().map(decrypt).collect()
    }
}

/// Signatures that complete a slashing path.
#[derive(Clone, Copy, Debug)]
pub struct SlashingSignatures<'a> {
    /// Decrypted signatures of the committee; see [`LeakedKey::decrypt`].
    pub covenants: &'a [(CovenantKey, Signature)],
    /// The provider's plain signature.
    pub provider: (ProviderKey, Signature),
    /// The owner's signatures, given at registration.
    pub stakers: &'a [(StakerKey, Signature)],
}

/// Builds the witness of a slashing path.
///
/// # Errors
/// [`WitnessError`].
pub fn slashing(
    covenants: &Covenants,
    providers: &Providers,
    stakers: &Stakers,
    signatures: &SlashingSignatures<'_>,
    leaf: &Leaf,
    control_block: &[u8],
) -> Result<Vec<Vec<u8>>, WitnessError> {
    let mut stack = Vec::new();
    Group::covenants(covenants).fill(&mut stack, &by_x(signatures.covenants, CovenantKey::x_only))?;
    Group::providers(providers).fill(&mut stack, &by_x(&[signatures.provider], ProviderKey::x_only))?;
    Group::stakers(stakers).fill(&mut stack, &by_x(signatures.stakers, StakerKey::x_only))?;
    Ok(finish(stack, leaf, control_block))
}

/// Checks that a stack opens a path: script, control block, every slot, exact quorums.
///
/// The groups are in the order of the stack, bottom first: covenants, providers, stakers.
///
/// # Errors
/// [`WitnessError`].
pub fn check<C: Curve>(
    curve: &C,
    stack: &[Vec<u8>],
    groups: &[Group],
    leaf: &Leaf,
    control_block: &[u8],
    digest: &Sighash,
) -> Result<(), WitnessError> {
    let expected = groups.iter().fold(2usize, |sum, group| sum.saturating_add(group.keys.len()));
    if stack.len() != expected {
        return Err(WitnessError::ItemCount { expected, found: stack.len() });
    }
    let [slots @ .., script, block] = stack else {
        return Err(WitnessError::ItemCount { expected, found: stack.len() });
    };
    if script != leaf.script() || block != control_block {
        return Err(WitnessError::Script);
    }
    let mut rest = slots;
    for group in groups {
        let (own, others) = rest.split_at_checked(group.keys.len()).unwrap_or((rest, &[]));
        group.check(curve, own, digest)?;
        rest = others;
    }
    Ok(())
}

/// Checks that an input satisfies a relative lock in blocks (BIP-68, BIP-112).
///
/// # Errors
/// [`WitnessError::Lock`], [`WitnessError::NoInput`].
pub fn check_timelock(tx: &Transaction, index: usize, lock: u16) -> Result<(), WitnessError> {
    const DISABLED: u32 = 1 << 31;
    const SECONDS: u32 = 1 << 22;
    let sequence = tx.inputs.get(index).ok_or(WitnessError::NoInput(index))?.sequence;
    let in_blocks = sequence & (DISABLED | SECONDS) == 0;
    let enough = sequence & 0xffff >= u32::from(lock);
    // Consensus reads the version as unsigned.
    let versioned = !(0..2).contains(&tx.version);
    if in_blocks && enough && versioned {
        return Ok(());
    }
    Err(WitnessError::Lock { lock, sequence, version: tx.version })
}
