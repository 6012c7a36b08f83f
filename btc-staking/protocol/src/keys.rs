//! Public keys by role, and the sets of them that a stake is made of.
//!
//! All are x-only. The roles are types because the same 32 bytes mean different things in each slot of a script;
//! equality *across* roles is compared on the bytes ([`check_distinct`]). A key is known to be below the field
//! prime; that it is on the curve shows the first signature under it, or [`Covenants::check_on_curve`].

use alloc::vec::Vec;
use core::fmt;
use staking_crypto::{Point, PointError, XOnly};

macro_rules! role_key {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(XOnly);

        impl $name {
            /// Takes 32 big-endian bytes.
            ///
            /// # Errors
            /// [`PointError::XNotCanonical`] if they are not below the field prime.
            pub fn from_bytes(bytes: &[u8; 32]) -> Result<Self, PointError> {
                XOnly::from_bytes(bytes).map(Self)
            }

            /// Returns the key as a curve operand.
            #[must_use]
            pub fn x_only(&self) -> &XOnly {
                &self.0
            }

            /// Returns the 32 bytes by reference.
            #[must_use]
            pub fn as_bytes(&self) -> &[u8; 32] {
                self.0.as_bytes()
            }

            /// Returns the 32 bytes.
            #[must_use]
            pub fn to_bytes(self) -> [u8; 32] {
                self.0.to_bytes()
            }

            /// Finds the point of even y.
            ///
            /// # Errors
            /// [`PointError::NotOnCurve`].
            pub fn lift(&self) -> Result<Point, PointError> {
                self.0.lift()
            }
        }

        impl From<XOnly> for $name {
            fn from(key: XOnly) -> Self {
                Self(key)
            }
        }

        impl AsRef<[u8; 32]> for $name {
            fn as_ref(&self) -> &[u8; 32] {
                self.as_bytes()
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(&self.0, f)
            }
        }
    };
}

role_key! {
    /// The key of a holder who stakes.
    StakerKey
}

role_key! {
    /// The key of a finality provider.
    ProviderKey
}

role_key! {
    /// The key of a covenant member.
    CovenantKey
}

/// Why keys do not make a set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeySetError {
    /// No keys.
    #[error("no {0} key")]
    Empty(&'static str),
    /// This key occurs twice, in one role or in two.
    #[error("key {0} occurs twice")]
    Duplicate(XOnly),
    /// The quorum is zero or above the number of keys.
    #[error("quorum {quorum} of {keys} keys")]
    Quorum {
        /// Signatures required.
        quorum: u32,
        /// Keys there are.
        keys: usize,
    },
    /// A key is not on the curve.
    #[error("key {0} is not on the curve")]
    NotOnCurve(XOnly),
}

fn check_quorum(quorum: u32, keys: usize) -> Result<(), KeySetError> {
    let fits = usize::try_from(quorum).is_ok_and(|quorum| (1..=keys).contains(&quorum));
    if fits { Ok(()) } else { Err(KeySetError::Quorum { quorum, keys }) }
}

fn check_no_duplicate(mut keys: Vec<XOnly>) -> Result<(), KeySetError> {
    crate::sort::heap_sort(&mut keys);
    match keys.array_windows().find(|[a, b]| a == b) {
        Some([twice, _]) => Err(KeySetError::Duplicate(*twice)),
        None => Ok(()),
    }
}

/// The owner of a stake: one key, or M of N keys.
///
/// The first key is the primary one: it proves possession and names the owner.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stakers {
    keys: Vec<StakerKey>,
    quorum: u32,
}

impl Stakers {
    /// Makes an owner with one key.
    #[must_use]
    pub fn single(key: StakerKey) -> Self {
        Self { keys: alloc::vec![key], quorum: 1 }
    }

    /// Makes an owner of which `quorum` keys must sign. One key with quorum 1 is the same as [`Stakers::single`].
    ///
    /// # Errors
    /// [`KeySetError`].
    pub fn multi(keys: Vec<StakerKey>, quorum: u32) -> Result<Self, KeySetError> {
        if keys.is_empty() {
            return Err(KeySetError::Empty("staker"));
        }
        check_quorum(quorum, keys.len())?;
        check_no_duplicate(keys.iter().map(|key| key.0).collect())?;
        Ok(Self { keys, quorum })
    }

    /// Returns the first key.
    #[must_use]
    pub fn primary(&self) -> StakerKey {
        *self.keys.first().expect("constructors refuse an empty set")
    }

    /// Returns the keys in the order given.
    #[must_use]
    pub fn keys(&self) -> &[StakerKey] {
        &self.keys
    }

    /// Returns how many of the keys must sign.
    #[must_use]
    pub fn quorum(&self) -> u32 {
        self.quorum
    }

    /// Tells whether the two own the same coins: same keys in any order, same quorum.
    #[must_use]
    pub fn same_owner(&self, other: &Self) -> bool {
        let same_keys = sorted(&self.keys) == sorted(&other.keys);
        self.quorum == other.quorum && same_keys
    }
}

impl From<StakerKey> for Stakers {
    fn from(key: StakerKey) -> Self {
        Self::single(key)
    }
}

/// The finality providers that a stake backs, in the order of the registration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Providers(Vec<ProviderKey>);

impl Providers {
    /// Makes a set of one.
    #[must_use]
    pub fn single(key: ProviderKey) -> Self {
        Self(alloc::vec![key])
    }

    /// Takes the keys in the order in which adaptor signatures will be listed.
    ///
    /// # Errors
    /// [`KeySetError`].
    pub fn new(keys: Vec<ProviderKey>) -> Result<Self, KeySetError> {
        if keys.is_empty() {
            return Err(KeySetError::Empty("finality provider"));
        }
        check_no_duplicate(keys.iter().map(|key| key.0).collect())?;
        Ok(Self(keys))
    }

    /// Returns the keys in the order given.
    #[must_use]
    pub fn keys(&self) -> &[ProviderKey] {
        &self.0
    }

    /// Returns the position of a key in the registration.
    #[must_use]
    pub fn position(&self, key: &ProviderKey) -> Option<usize> {
        self.0.iter().position(|k| k == key)
    }

    /// Tells whether every provider of `other` is one of these.
    #[must_use]
    pub fn contains_all(&self, other: &Self) -> bool {
        other.0.iter().all(|key| self.0.contains(key))
    }
}

impl From<ProviderKey> for Providers {
    fn from(key: ProviderKey) -> Self {
        Self::single(key)
    }
}

/// A covenant committee, sorted, with its quorum.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Covenants {
    keys: Vec<CovenantKey>,
    quorum: u32,
}

impl Covenants {
    /// Makes a committee of which `quorum` members must sign.
    ///
    /// # Errors
    /// [`KeySetError`].
    pub fn new(mut keys: Vec<CovenantKey>, quorum: u32) -> Result<Self, KeySetError> {
        if keys.is_empty() {
            return Err(KeySetError::Empty("covenant"));
        }
        check_quorum(quorum, keys.len())?;
        check_no_duplicate(keys.iter().map(|key| key.0).collect())?;
        crate::sort::heap_sort(&mut keys);
        Ok(Self { keys, quorum })
    }

    /// Takes what [`Covenants::new`] once returned, from one's own storage.
    pub(crate) fn assume_checked(keys: Vec<CovenantKey>, quorum: u32) -> Self {
        Self { keys, quorum }
    }

    /// Checks that every key is a point; costs a square root each.
    ///
    /// # Errors
    /// [`KeySetError::NotOnCurve`].
    pub fn check_on_curve(&self) -> Result<(), KeySetError> {
        let off_curve = self.keys.iter().find(|key| key.lift().is_err());
        off_curve.map_or(Ok(()), |key| Err(KeySetError::NotOnCurve(key.0)))
    }

    /// Returns the keys in ascending order.
    #[must_use]
    pub fn keys(&self) -> &[CovenantKey] {
        &self.keys
    }

    /// Returns how many members must sign.
    #[must_use]
    pub fn quorum(&self) -> u32 {
        self.quorum
    }

    /// Tells whether the key is a member's.
    #[must_use]
    pub fn contains(&self, key: &CovenantKey) -> bool {
        self.keys.binary_search(key).is_ok()
    }

    /// Counts the members that both committees have.
    #[must_use]
    pub fn overlap(&self, other: &Self) -> usize {
        self.keys.iter().filter(|key| other.contains(key)).count()
    }
}

/// Checks that no key is used twice over all roles of a stake.
///
/// # Errors
/// [`KeySetError::Duplicate`].
pub fn check_distinct(
    stakers: &Stakers,
    providers: &Providers,
    covenants: &Covenants,
) -> Result<(), KeySetError> {
    let mut keys: Vec<XOnly> = Vec::with_capacity(
        stakers.keys.len().saturating_add(providers.0.len()).saturating_add(covenants.keys.len()),
    );
    keys.extend(stakers.keys.iter().map(|key| key.0));
    keys.extend(providers.0.iter().map(|key| key.0));
    keys.extend(covenants.keys.iter().map(|key| key.0));
    check_no_duplicate(keys)
}

/// Returns the keys in ascending order, as scripts list them.
pub(crate) fn sorted<K: Copy + Ord>(keys: &[K]) -> Vec<K> {
    let mut keys = keys.to_vec();
    crate::sort::heap_sort(&mut keys);
    keys
}
