//! The native backend: libsecp256k1 through its recovery module, one context per thread.
//!
//! It never calls `ecdsa_verify`: that compares x only and would lose the sign of a point.

use core::cell::Cell;
use std::thread::LocalKey;
use std::thread_local;

use secp256k1::ecdsa::{RecoverableSignature as SecpSignature, RecoveryId};
use secp256k1::{All, Message, PublicKey, Secp256k1, XOnlyPublicKey, schnorr};

use super::{Curve, CurveError, RecoveryOperands, table};
use crate::ecdsa::RecoverableSignature;
use crate::point::{Point, XOnly};
use crate::scalar::Scalar;

/// libsecp256k1 with this thread's context.
#[derive(Debug, Clone, Copy, Default)]
pub struct Libsecp;

thread_local! {
    static CONTEXT: Secp256k1<All> = blinded_context();
    static LAST_TWEAKED: Remembered = const { Cell::new(None) };
    static LAST_VERIFIED: Remembered = const { Cell::new(None) };
}

/// Blinds the context's base multiplications with a random number. Blinding is a second line of defence
/// against side channels: where the system has no randomness the first line, constant time, remains.
fn blinded_context() -> Secp256k1<All> {
    let mut context = Secp256k1::new();
    let mut seed = [0; 32];
    if getrandom::fill(&mut seed).is_ok() {
        context.seeded_randomize(&seed);
    }
    context
}

/// Lends this thread's context.
pub(crate) fn with_context<T>(work: impl FnOnce(&Secp256k1<All>) -> T) -> T {
    CONTEXT.with(work)
}

impl Point {
    pub(crate) fn from_secp(key: &PublicKey) -> Self {
        let [_, xy @ ..] = key.serialize_uncompressed();
        Self::assume_on_curve(&xy)
    }
}

/// Hands a point to libsecp256k1.
pub(crate) fn to_secp(point: &Point) -> Result<PublicKey, CurveError> {
    let mut bytes = [0x04; 65];
    let [_, xy @ ..] = &mut bytes;
    *xy = point.to_xy();
    PublicKey::from_byte_array_uncompressed(bytes).map_err(|_| CurveError::NoPoint)
}

pub(crate) fn lift(x: &XOnly) -> Result<PublicKey, CurveError> {
    let mut bytes = [0x02; 33];
    let [_, tail @ ..] = &mut bytes;
    *tail = x.to_bytes();
    PublicKey::from_byte_array_compressed(bytes).map_err(|_| CurveError::NoPoint)
}

type Remembered = Cell<Option<(XOnly, PublicKey)>>;

/// Lifts a key and keeps the last one: taproot outputs without a key path all tweak the same key, and one
/// key often signs several things in a row.
fn remembered(memory: &'static LocalKey<Remembered>, x: &XOnly) -> Result<PublicKey, CurveError> {
    if let Some((_, key)) = memory.get().filter(|(last, _)| last == x) {
        return Ok(key);
    }
    let key = lift(x)?;
    memory.set(Some((*x, key)));
    Ok(key)
}

/// Returns tG + P, or tG alone, for a public t.
fn multiply_base_and_add(t: &Scalar, point: Option<&PublicKey>) -> Result<PublicKey, CurveError> {
    if let Some(sum) = table::multiply_and_add(t, point) {
        return sum;
    }
    if let (true, Some(point)) = (t.is_zero(), point) {
        return Ok(*point);
    }
    let factor = secp256k1::SecretKey::from_byte_array(t.to_bytes()).map_err(|_| CurveError::NoPoint)?;
    let product = with_context(|context| factor.public_key(context));
    match point {
        Some(point) => product.combine(point).map_err(|_| CurveError::NoPoint),
        None => Ok(product),
    }
}

fn recover(digest: &[u8; 32], signature: &[u8; 64], odd: bool) -> Result<Point, CurveError> {
    let id = if odd { RecoveryId::One } else { RecoveryId::Zero };
    let signature = SecpSignature::from_compact(signature, id).map_err(|_| CurveError::NoPoint)?;
    let digest = Message::from_digest(*digest);
    let key = with_context(|context| context.recover_ecdsa(digest, &signature));
    key.map(|key| Point::from_secp(&key)).map_err(|_| CurveError::NoPoint)
}

impl Curve for Libsecp {
    fn s_g_minus_e_p(&self, s: &Scalar, e: &Scalar, p: &XOnly) -> Result<Point, CurveError> {
        let operands = RecoveryOperands::new(s, e, p)?;
        recover(&operands.z, &operands.signature(), false)
    }

    fn recover_ecdsa(
        &self,
        digest: &[u8; 32],
        signature: &RecoverableSignature,
    ) -> Result<Point, CurveError> {
        recover(digest, &signature.to_bytes(), signature.is_nonce_odd())
    }

    /// Keeps the last key's lift: a registration carries several signatures by one key.
    fn accepts_bip340(&self, public: &XOnly, digest: &[u8; 32], signature: &[u8; 64]) -> bool {
        let Ok(key) = remembered(&LAST_VERIFIED, public) else { return false };
        let (key, signature) = (XOnlyPublicKey::from(key), schnorr::Signature::from_byte_array(*signature));
        // Refused by all backends, though libsecp256k1 could verify under it.
        let usable = Scalar::from_bytes(public.as_bytes()).is_ok();
        usable && with_context(|context| context.verify_schnorr(&signature, digest, &key)).is_ok()
    }

    /// Multiplies the generator alone and adds: a general multiplication would double P 128 times.
    fn tweak_add(&self, p: &XOnly, t: &Scalar) -> Result<Point, CurveError> {
        Scalar::from_bytes(p.as_bytes()).map_err(|_| CurveError::KeyAboveOrder(*p))?;
        let key = remembered(&LAST_TWEAKED, p)?;
        Ok(Point::from_secp(&multiply_base_and_add(t, Some(&key))?))
    }

    fn base_mul(&self, d: &Scalar) -> Result<Point, CurveError> {
        Ok(Point::from_secp(&multiply_base_and_add(d, None)?))
    }

    fn lift_x(&self, x: &XOnly) -> Result<Point, CurveError> {
        Ok(Point::from_secp(&lift(x)?))
    }

    fn add(&self, a: &Point, b: &Point) -> Result<Point, CurveError> {
        let sum = to_secp(a)?.combine(&to_secp(b)?);
        sum.map(|key| Point::from_secp(&key)).map_err(|_| CurveError::NoPoint)
    }
}
