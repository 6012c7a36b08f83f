//! Points: x-only ones as Bitcoin and the chains carry them, and full ones as the arithmetic needs them.
//!
//! An [`XOnly`] is known to be below the field prime, not to be on the curve: the curve operation that
//! uses it finds out at no cost. A [`Point`] is on the curve by construction.

use core::fmt;

use k256::elliptic_curve::group::prime::PrimeCurveAffine;
use k256::elliptic_curve::point::DecompressPoint;
use k256::elliptic_curve::sec1::{FromEncodedPoint, ToEncodedPoint};
use k256::{AffinePoint, EncodedPoint, ProjectivePoint, U256};

use crate::scalar::write_hex;

/// The field prime 2^256 − 2^32 − 977, big-endian.
const FIELD_PRIME: [u8; 32] = [
    0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
    0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xfe, 0xff, 0xff, 0xfc, 0x2f,
];

/// Why bytes are not a point.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PointError {
    /// The x coordinate is the field prime or above it.
    #[error("x coordinate {0:02x?} is not below the field prime")]
    XNotCanonical([u8; 32]),
    /// No point of the curve has this x coordinate.
    #[error("no point has the x coordinate {0:02x?}")]
    NotOnCurve([u8; 32]),
    /// A compressed point begins with neither 02 nor 03.
    #[error("unknown point prefix {0:#04x}")]
    Prefix(u8),
    /// The sum of the two points is the point at infinity.
    #[error("the sum is the point at infinity")]
    Infinity,
}

/// The x coordinate of a point whose y is taken even, as in BIP-340.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct XOnly([u8; 32]);

impl XOnly {
    /// The x coordinate of the generator G, whose y is even.
    pub const GENERATOR: Self = Self([
        0x79, 0xbe, 0x66, 0x7e, 0xf9, 0xdc, 0xbb, 0xac, 0x55, 0xa0, 0x62, 0x95, 0xce, 0x87, 0x0b, 0x07, 0x02,
        0x9b, 0xfc, 0xdb, 0x2d, 0xce, 0x28, 0xd9, 0x59, 0xf2, 0x81, 0x5b, 0x16, 0xf8, 0x17, 0x98,
    ]);

    /// Takes 32 big-endian bytes.
    ///
    /// # Errors
    /// [`PointError::XNotCanonical`] if the number is not below the field prime.
    pub fn from_bytes(bytes: &[u8; 32]) -> Result<Self, PointError> {
        if *bytes < FIELD_PRIME { Ok(Self(*bytes)) } else { Err(PointError::XNotCanonical(*bytes)) }
    }

    /// Returns the bytes by reference.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// Returns the bytes.
    #[must_use]
    pub const fn to_bytes(self) -> [u8; 32] {
        self.0
    }

    /// Finds the point with this x and even y, without a curve backend.
    ///
    /// # Errors
    /// [`PointError::NotOnCurve`] if there is none.
    pub fn lift(&self) -> Result<Point, PointError> {
        Point::decompress(&self.0, false)
    }
}

impl AsRef<[u8]> for XOnly {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for XOnly {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_hex(f, "XOnly", &self.0)
    }
}

impl fmt::Display for XOnly {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// A point of secp256k1 other than infinity, in affine coordinates.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Point {
    x: [u8; 32],
    y: [u8; 32],
}

impl Point {
    /// Takes 64 bytes x ‖ y.
    ///
    /// # Errors
    /// [`PointError::NotOnCurve`] if they do not satisfy the curve equation.
    pub fn from_xy(xy: &[u8; 64]) -> Result<Self, PointError> {
        let point = Self::assume_on_curve(xy);
        let encoded = EncodedPoint::from_affine_coordinates(&point.x.into(), &point.y.into(), false);
        match Option::<AffinePoint>::from(AffinePoint::from_encoded_point(&encoded)) {
            Some(_) => Ok(point),
            None => Err(PointError::NotOnCurve(point.x)),
        }
    }

    /// Takes 64 bytes x ‖ y that come from trusted arithmetic or one's own storage.
    ///
    /// Nothing is checked: a point that is not on the curve makes every statement about it worthless.
    #[must_use]
    pub fn assume_on_curve(xy: &[u8; 64]) -> Self {
        let mut point = Self { x: [0; 32], y: [0; 32] };
        let (x, y) = xy.split_at(32);
        point.x.copy_from_slice(x);
        point.y.copy_from_slice(y);
        point
    }

    /// Takes 33 bytes: 02 or 03, then x.
    ///
    /// # Errors
    /// Unknown prefix, x not below the field prime, x not on the curve.
    pub fn from_compressed(bytes: &[u8; 33]) -> Result<Self, PointError> {
        let [prefix, x @ ..] = bytes;
        match prefix {
            0x02 => Self::decompress(x, false),
            0x03 => Self::decompress(x, true),
            other => Err(PointError::Prefix(*other)),
        }
    }

    pub(crate) fn decompress(x: &[u8; 32], odd: bool) -> Result<Self, PointError> {
        XOnly::from_bytes(x)?;
        let affine = AffinePoint::decompress(&(*x).into(), u8::from(odd).into());
        Option::from(affine).map(|point| Self::from_affine(&point)).ok_or(PointError::NotOnCurve(*x))?
    }

    /// Returns the x coordinate.
    #[must_use]
    pub const fn x_only(&self) -> XOnly {
        XOnly(self.x)
    }

    /// Tells whether y is odd.
    #[must_use]
    pub const fn is_odd(&self) -> bool {
        let [.., last] = self.y;
        last & 1 == 1
    }

    /// Returns 02 or 03, then x.
    #[must_use]
    pub fn to_compressed(&self) -> [u8; 33] {
        let mut bytes = [0; 33];
        let [prefix, x @ ..] = &mut bytes;
        *prefix = if self.is_odd() { 0x03 } else { 0x02 };
        *x = self.x;
        bytes
    }

    /// Returns x ‖ y.
    #[must_use]
    pub fn to_xy(&self) -> [u8; 64] {
        let mut bytes = [0; 64];
        let (x, y) = bytes.split_at_mut(32);
        x.copy_from_slice(&self.x);
        y.copy_from_slice(&self.y);
        bytes
    }

    /// Returns the point with the other y.
    #[must_use]
    pub fn negate(&self) -> Self {
        let y = U256::from_be_slice(&self.y);
        let negated = U256::from_be_slice(&FIELD_PRIME).wrapping_sub(&y);
        Self { x: self.x, y: k256::elliptic_curve::bigint::ArrayEncoding::to_be_byte_array(&negated).into() }
    }

    /// Returns the one of the point and its negation whose y is even.
    #[must_use]
    pub fn to_even(&self) -> Self {
        if self.is_odd() { self.negate() } else { *self }
    }

    /// Returns the sum of two points (by k256, in variable time).
    ///
    /// # Errors
    /// [`PointError::Infinity`] if one is the negation of the other.
    pub fn plus(&self, other: &Self) -> Result<Self, PointError> {
        let sum = core::ops::Add::add(ProjectivePoint::from(self.to_affine()), &other.to_affine());
        Self::from_affine(&sum.to_affine())
    }

    pub(crate) fn to_affine(self) -> AffinePoint {
        let encoded = EncodedPoint::from_affine_coordinates(&self.x.into(), &self.y.into(), false);
        Option::from(AffinePoint::from_encoded_point(&encoded)).unwrap_or(AffinePoint::IDENTITY)
    }

    pub(crate) fn from_affine(point: &AffinePoint) -> Result<Self, PointError> {
        if point.is_identity().into() {
            return Err(PointError::Infinity);
        }
        let encoded = point.to_encoded_point(false);
        match (encoded.x(), encoded.y()) {
            (Some(x), Some(y)) => Ok(Self { x: (*x).into(), y: (*y).into() }),
            _ => Err(PointError::Infinity),
        }
    }
}

impl fmt::Debug for Point {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_hex(f, "Point", &self.to_compressed())
    }
}
