//! A secret key with its public key, and the four things it is used for.
//!
//! All arithmetic on the secret is libsecp256k1's, in constant time. The public key is computed once and
//! kept with the secret, so that nobody can sign for a key that does not belong to it.

use core::sync::atomic::{AtomicU32, Ordering};
use std::sync::OnceLock;

use secp256k1::Keypair;
use zeroize::Zeroize;

use crate::adaptor::SignError;
use crate::bip340;
use crate::curve::libsecp::{lift, to_secp, with_context};
use crate::curve::table::{Multiples, add_s_g_minus_e_p, s_g_minus_e_p};
use crate::curve::{Curve, CurveError, Libsecp};
use crate::ecdsa::RecoverableSignature;
use crate::point::{Point, XOnly};
use crate::scalar::{Scalar, ScalarError, SecretScalar};
use crate::tagged;

/// A secret key: of a staker, a covenant member, a provider.
///
/// Erased on drop; it can be neither cloned, compared nor printed.
pub struct SecretKey {
    pair: Keypair,
    public: Point,
    /// Adaptor signatures made so far.
    signed: AtomicU32,
    /// Multiples of the public key, to verify own signatures faster once there are many.
    multiples: OnceLock<Option<Multiples>>,
}

/// Adaptor signatures after which the multiples are worth making.
const WORTH_IT: u32 = 256;

impl SecretKey {
    /// Takes over 32 big-endian bytes. The caller erases its own copy.
    ///
    /// # Errors
    /// Zero and numbers not below the group order are refused.
    pub fn from_bytes(bytes: &[u8; 32]) -> Result<Self, ScalarError> {
        Ok(Self::from_secret(&SecretScalar::from_bytes(bytes)?))
    }

    /// Takes a secret that is known to be a key, like the one extracted from a double vote.
    #[must_use]
    pub fn from_secret(secret: &SecretScalar) -> Self {
        let mut secret = to_secp_secret(secret);
        let pair = with_context(|context| Keypair::from_secret_key(context, &secret));
        secret.non_secure_erase();
        Self {
            public: Point::from_secp(&pair.public_key()),
            pair,
            signed: AtomicU32::new(0),
            multiples: OnceLock::new(),
        }
    }

    /// Returns the public key as Bitcoin and the chains carry it.
    #[must_use]
    pub const fn x_only(&self) -> XOnly {
        self.public.x_only()
    }

    /// Returns the public key with its real parity.
    #[must_use]
    pub const fn public(&self) -> &Point {
        &self.public
    }

    /// Copies the secret bytes out, as they were given.
    #[must_use]
    pub fn to_secret(&self) -> SecretScalar {
        let mut bytes = self.pair.secret_bytes();
        let secret = SecretScalar::from_bytes(&bytes).expect("the pair was made of a secret scalar");
        bytes.zeroize();
        secret
    }

    /// Copies the secret of the x-only key out: negated if the public key has an odd y. For a provider
    /// this is the decryption key of the adaptor signatures made to it.
    #[must_use]
    pub fn to_even_secret(&self) -> SecretScalar {
        if self.public.is_odd() { self.to_secret().negate() } else { self.to_secret() }
    }

    /// Signs a digest by BIP-340.
    pub(crate) fn sign_bip340(&self, digest: &[u8; 32], aux: &[u8; 32]) -> bip340::Signature {
        let signature = with_context(|context| context.sign_schnorr_with_aux_rand(digest, &self.pair, aux));
        bip340::Signature::from_bytes(signature.as_byte_array()).expect("libsecp256k1 signs canonically")
    }

    /// Computes s = k + e·d with d the secret of the x-only key. The nonce is used up.
    pub(crate) fn respond(&self, nonce: SecretScalar, e: &Scalar) -> Scalar {
        let mut secret = self.even_secret();
        let s = match secret.mul_tweak(&to_secp_scalar(&e.to_bytes())) {
            Ok(mut product) => {
                let sum = product.add_tweak(&to_secp_scalar(nonce.expose_secret()));
                product.non_secure_erase();
                // The only failure is a sum of zero.
                sum.map_or(Scalar::ZERO, |s| Scalar::reduce(&s.secret_bytes()))
            }
            // The only failure is a challenge of zero.
            Err(_) => nonce.to_scalar(),
        };
        secret.non_secure_erase();
        s
    }

    /// Lends the backend that verifies this key's own signatures.
    pub(crate) fn own_curve(&self) -> OwnCurve<'_> {
        if self.signed.load(Ordering::Relaxed) < WORTH_IT {
            self.signed.fetch_add(1, Ordering::Relaxed);
            return OwnCurve(None);
        }
        let make = || Multiples::by_bytes(lift(&self.x_only()).ok()?);
        OwnCurve(self.multiples.get_or_init(make).as_ref())
    }

    fn even_secret(&self) -> secp256k1::SecretKey {
        let secret = self.pair.secret_key();
        if self.public.is_odd() { secret.negate() } else { secret }
    }

    /// Derives the nonce of an adaptor signature: R0 = k'G + T, and k with the sign that R0 asks for.
    pub(crate) fn adaptor_nonce(
        &self,
        encryption: &Point,
        digest: &[u8; 32],
        aux: &[u8; 32],
    ) -> Result<(Point, SecretScalar), SignError> {
        let mut secret = self.even_secret();
        let mut masked = secret.secret_bytes();
        secret.non_secure_erase();
        let mask = tagged::ADAPTOR_AUX.hash(&[aux]);
        masked.iter_mut().zip(mask).for_each(|(byte, mask)| *byte ^= mask);
        let parts: [&[u8]; 4] = [&masked, &encryption.to_compressed(), &self.public.to_compressed(), digest];
        let nonce = SecretScalar::from_scalar(&Scalar::reduce(&tagged::ADAPTOR_NONCE.hash(&parts)));
        masked.zeroize();
        let nonce = nonce.map_err(|_| SignError::Nonce)?;
        let r0 = add_base(&nonce, encryption)?;
        Ok(if r0.is_odd() { (r0, nonce.negate()) } else { (r0, nonce) })
    }
}

/// The backend that is asked about one key only, with its multiples if there are any.
pub(crate) struct OwnCurve<'a>(Option<&'a Multiples>);

impl Curve for OwnCurve<'_> {
    fn s_g_minus_e_p(&self, s: &Scalar, e: &Scalar, p: &XOnly) -> Result<Point, CurveError> {
        match self.0 {
            Some(multiples) if !e.is_zero() => s_g_minus_e_p(s, e, multiples),
            _ => Libsecp.s_g_minus_e_p(s, e, p),
        }
    }

    fn add_s_g_minus_e_p(&self, t: &Point, s: &Scalar, e: &Scalar, p: &XOnly) -> Result<Point, CurveError> {
        match self.0 {
            Some(multiples) if !e.is_zero() => add_s_g_minus_e_p(t, s, e, multiples),
            _ => Libsecp.add_s_g_minus_e_p(t, s, e, p),
        }
    }

    fn recover_ecdsa(
        &self,
        digest: &[u8; 32],
        signature: &RecoverableSignature,
    ) -> Result<Point, CurveError> {
        Libsecp.recover_ecdsa(digest, signature)
    }

    fn add(&self, a: &Point, b: &Point) -> Result<Point, CurveError> {
        Libsecp.add(a, b)
    }
}

/// Returns kG + T, with the multiplication in constant time.
fn add_base(secret: &SecretScalar, point: &Point) -> Result<Point, SignError> {
    let nonce_point = base_point(secret);
    let point = to_secp(point).map_err(|_| SignError::Nonce)?;
    let sum = nonce_point.combine(&point).map_err(|_| SignError::Nonce)?;
    Ok(Point::from_secp(&sum))
}

/// Multiplies the generator by a secret, in constant time.
pub(crate) fn base_point(secret: &SecretScalar) -> secp256k1::PublicKey {
    let mut secret = to_secp_secret(secret);
    let point = with_context(|context| secret.public_key(context));
    secret.non_secure_erase();
    point
}

/// The caller erases it.
fn to_secp_secret(secret: &SecretScalar) -> secp256k1::SecretKey {
    secp256k1::SecretKey::from_byte_array(*secret.expose_secret()).expect("a secret scalar is in 1..n")
}

fn to_secp_scalar(bytes: &[u8; 32]) -> secp256k1::Scalar {
    secp256k1::Scalar::from_be_bytes(*bytes).expect("a scalar is below the group order")
}

impl Drop for SecretKey {
    fn drop(&mut self) {
        self.pair.non_secure_erase();
    }
}
