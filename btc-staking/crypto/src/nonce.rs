//! One-time nonces of finality providers, and the public randomness they commit to.
//!
//! The nonce of a height is derived from the provider's key, so that a lost database never leads to a
//! second nonce or a reused one: HMAC-SHA256, keyed with the secret key, of the height (8 bytes
//! big-endian), the context and an 8-byte counter that only moves on if the result is not in 1..n.
//!
//! The context separates chains: one nonce used on two of them leaks the key. A nonce is moved into the
//! signature, and deriving it again is the only way to sign twice. That this does not happen is the duty
//! of the guard in front of the key, not of this module.

use alloc::vec::Vec;

use bitcoin_hashes::{Hash, HashEngine, HmacEngine, sha256};

use crate::key::{SecretKey, base_point};
use crate::point::{Point, XOnly};
use crate::scalar::{ScalarError, SecretScalar};

/// The secret randomness of one height, with its public part.
///
/// It is neither `Clone` nor printable, is erased on drop, and [`crate::eots::sign`] takes it by value.
/// Signing twice with one nonce does not compile:
///
/// ```compile_fail,E0382
/// # use staking_crypto::{eots, OneTimeNonce, SecretKey};
/// # fn sign(nonce: OneTimeNonce, key: &SecretKey) {
/// let first = eots::sign(nonce, key, b"block a");
/// let second = eots::sign(nonce, key, b"block b");
/// # }
/// ```
pub struct OneTimeNonce {
    /// k with kG of even y.
    secret: SecretScalar,
    public: XOnly,
}

impl OneTimeNonce {
    /// Derives the nonce of a height in a context (a chain id, or what else tells contexts apart).
    #[must_use]
    pub fn derive(key: &SecretKey, context: &[u8], height: u64) -> Self {
        Self::from_secret(NonceSource::new(key, context).secret(height))
    }

    /// Takes over 32 bytes that were drawn elsewhere and are used once.
    ///
    /// # Errors
    /// Zero and numbers not below the group order are refused.
    pub fn from_bytes(bytes: &[u8; 32]) -> Result<Self, ScalarError> {
        SecretScalar::from_bytes(bytes).map(Self::from_secret)
    }

    fn from_secret(secret: SecretScalar) -> Self {
        let point = Point::from_secp(&base_point(&secret));
        let secret = if point.is_odd() { secret.negate() } else { secret };
        Self { secret, public: point.x_only() }
    }

    /// Returns the public randomness x(R).
    #[must_use]
    pub const fn public(&self) -> XOnly {
        self.public
    }

    /// Gives the number away, negated if needed so that its point has an even y.
    pub(crate) fn into_secret(self) -> SecretScalar {
        self.secret
    }
}

/// Derives the public randomness of `count` heights from `start` on, in order of height.
///
/// With the feature `rayon` the work is spread over all cores. Heights stop at `u64::MAX`.
#[must_use]
pub fn public_randomness(key: &SecretKey, context: &[u8], start: u64, count: u32) -> Vec<XOnly> {
    let source = NonceSource::new(key, context);
    each(start, count, |height| source.point(height).x_only())
}

/// Works on `count` heights in order.
fn each<T: Send>(start: u64, count: u32, work: impl Fn(u64) -> T + Send + Sync) -> Vec<T> {
    #[cfg(feature = "rayon")]
    use rayon::iter::{IntoParallelIterator, ParallelIterator};
    if count == 0 {
        return Vec::new();
    }
    let heights = start..=start.saturating_add(u64::from(count).saturating_sub(1));
    #[cfg(feature = "rayon")]
    let heights = heights.into_par_iter();
    heights.map(work).collect()
}

/// The public parts of a range of nonces, computed once: for the commitment that lists them and for the signatures
/// that use the nonces up. A signature then costs no multiplication of points.
///
/// It can only be derived, and serves only the key it was derived from: a signature over a nonce point that is not
/// its nonce's would, together with a second one, give the key away. It holds no secret.
///
/// ```
/// # use staking_crypto::{SecretKey, eots, nonce::NonceRange};
/// let key = SecretKey::from_bytes(&[0x11; 32])?;
/// let range = NonceRange::derive(&key, b"chain-1", 100, 64);
/// let nonce = range.nonce(&key, 107).ok_or("the height is covered")?;
/// assert_eq!(nonce.public(), range.public()[7]);
/// let signature = eots::sign(nonce, &key, b"block 107")?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct NonceRange {
    owner: XOnly,
    context: Vec<u8>,
    start: u64,
    public: Vec<XOnly>,
    odd: Vec<bool>,
}

impl NonceRange {
    /// Derives the nonces of `count` heights from `start` on, as [`public_randomness`] does.
    #[must_use]
    pub fn derive(key: &SecretKey, context: &[u8], start: u64, count: u32) -> Self {
        let source = NonceSource::new(key, context);
        let points = each(start, count, |height| source.point(height));
        Self {
            owner: key.x_only(),
            context: context.to_vec(),
            start,
            public: points.iter().map(Point::x_only).collect(),
            odd: points.iter().map(Point::is_odd).collect(),
        }
    }

    /// Returns the first height.
    #[must_use]
    pub const fn start(&self) -> u64 {
        self.start
    }

    /// Returns the public randomness of each height, in order: what is committed to.
    #[must_use]
    pub fn public(&self) -> &[XOnly] {
        &self.public
    }

    /// Derives the nonce of a height; `None` if the range does not cover it or is another key's.
    ///
    /// As with [`OneTimeNonce::derive`], that a nonce is used once is the duty of the guard in front of the key.
    #[must_use]
    pub fn nonce(&self, key: &SecretKey, height: u64) -> Option<OneTimeNonce> {
        let index = usize::try_from(height.checked_sub(self.start)?).ok()?;
        let (public, odd) = (*self.public.get(index)?, *self.odd.get(index)?);
        if key.x_only() != self.owner {
            return None;
        }
        let secret = NonceSource::new(key, &self.context).secret(height);
        Some(OneTimeNonce { secret: if odd { secret.negate() } else { secret }, public })
    }
}

/// The keyed HMAC state, shared by all heights.
struct NonceSource<'a> {
    engine: HmacEngine<sha256::Hash>,
    context: &'a [u8],
}

impl<'a> NonceSource<'a> {
    fn new(key: &SecretKey, context: &'a [u8]) -> Self {
        Self { engine: HmacEngine::new(key.to_secret().expose_secret()), context }
    }

    fn secret(&self, height: u64) -> SecretScalar {
        (0u64..).find_map(|counter| self.candidate(height, counter)).expect("half of all numbers fit")
    }

    /// The candidate is a nonce iff it is in 1..n: all but one in 2^128 are.
    fn candidate(&self, height: u64, counter: u64) -> Option<SecretScalar> {
        let mut engine = self.engine.clone();
        engine.input(&height.to_be_bytes());
        engine.input(self.context);
        engine.input(&counter.to_be_bytes());
        let hash = bitcoin_hashes::Hmac::<sha256::Hash>::from_engine(engine);
        SecretScalar::from_bytes(hash.as_byte_array()).ok()
    }

    fn point(&self, height: u64) -> Point {
        Point::from_secp(&base_point(&self.secret(height)))
    }
}
