//! Fixed-width binary form of what is stored: big-endian numbers, length-prefixed bytes, no field names.

use crate::points::{Earned, Points};
use crate::pool::{Pool, Position, Slash, Unbond};
use crate::{Lien, Ratio, ValueRange};
use std::string::String;
use std::vec::Vec;

/// A value with a binary form.
pub trait Packed: Sized {
    /// Appends the value.
    fn write(&self, out: &mut Vec<u8>);
    /// Takes the value off the front; `None` when the bytes are not one.
    fn read(from: &mut &[u8]) -> Option<Self>;
}

fn take<'a>(from: &mut &'a [u8], n: usize) -> Option<&'a [u8]> {
    let (head, tail) = from.split_at_checked(n)?;
    *from = tail;
    Some(head)
}

macro_rules! numbers {
    ($($ty:ty),*) => {$(
        impl Packed for $ty {
            fn write(&self, out: &mut Vec<u8>) { out.extend_from_slice(&self.to_be_bytes()); }
            fn read(from: &mut &[u8]) -> Option<Self> {
                Some(Self::from_be_bytes(take(from, size_of::<$ty>())?.try_into().ok()?))
            }
        }
    )*};
}
numbers!(u8, u16, u32, u64, u128);

impl Packed for bool {
    fn write(&self, out: &mut Vec<u8>) {
        out.push(u8::from(*self));
    }
    fn read(from: &mut &[u8]) -> Option<Self> {
        match u8::read(from)? {
            0 => Some(false),
            1 => Some(true),
            _ => None,
        }
    }
}

impl Packed for () {
    fn write(&self, _: &mut Vec<u8>) {}
    fn read(_: &mut &[u8]) -> Option<Self> {
        Some(())
    }
}

impl Packed for String {
    fn write(&self, out: &mut Vec<u8>) {
        u32::try_from(self.len()).unwrap_or(u32::MAX).write(out);
        out.extend_from_slice(self.as_bytes());
    }
    fn read(from: &mut &[u8]) -> Option<Self> {
        let n = usize::try_from(u32::read(from)?).ok()?;
        String::from_utf8(take(from, n)?.to_vec()).ok()
    }
}

impl<T: Packed> Packed for Vec<T> {
    fn write(&self, out: &mut Vec<u8>) {
        u32::try_from(self.len()).unwrap_or(u32::MAX).write(out);
        self.iter().for_each(|x| x.write(out));
    }
    fn read(from: &mut &[u8]) -> Option<Self> {
        let n = u32::read(from)?;
        (0..n).map(|_| T::read(from)).collect()
    }
}

impl<T: Packed> Packed for Option<T> {
    fn write(&self, out: &mut Vec<u8>) {
        self.is_some().write(out);
        if let Some(x) = self {
            x.write(out);
        }
    }
    fn read(from: &mut &[u8]) -> Option<Self> {
        if bool::read(from)? { Some(Some(T::read(from)?)) } else { Some(None) }
    }
}

impl<A: Packed, B: Packed> Packed for (A, B) {
    fn write(&self, out: &mut Vec<u8>) {
        self.0.write(out);
        self.1.write(out);
    }
    fn read(from: &mut &[u8]) -> Option<Self> {
        Some((A::read(from)?, B::read(from)?))
    }
}

/// Implements [`Packed`] for a struct by listing its fields.
#[macro_export]
macro_rules! packed {
    ($ty:ty { $($field:ident),* $(,)? }) => {
        impl $crate::store::Packed for $ty {
            fn write(&self, out: &mut ::std::vec::Vec<u8>) {
                $($crate::store::Packed::write(&self.$field, out);)*
            }
            fn read(from: &mut &[u8]) -> Option<Self> {
                Some(Self { $($field: $crate::store::Packed::read(from)?),* })
            }
        }
    };
}

impl Packed for Ratio {
    fn write(&self, out: &mut Vec<u8>) {
        self.0.write(out);
    }
    fn read(from: &mut &[u8]) -> Option<Self> {
        u128::read(from).map(Ratio)
    }
}

packed!(ValueRange { low, high });
packed!(Lien { amount, ratio, shared });
packed!(Points { per_stake, leftover });
packed!(Earned { seen, points, withdrawn });
packed!(Pool { total, points, slashes });
packed!(Slash { cut, of, per_stake, infraction, at, ratio });
packed!(Unbond { amount, started, release_at });
packed!(Position { stake, earned, seen, unbonds });

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_position_round_trips_and_a_truncated_one_is_refused() {
        let p = Position {
            stake: ValueRange { low: 1, high: u128::MAX },
            earned: Earned { seen: 2, points: 3, withdrawn: 4 },
            seen: 5,
            unbonds: std::vec![Unbond { amount: 6, started: 7, release_at: 8 }],
        };
        let mut bytes = Vec::new();
        p.write(&mut bytes);
        assert_eq!(Position::read(&mut bytes.as_slice()), Some(p));
        for n in 0..bytes.len() {
            assert_eq!(Position::read(&mut &bytes[..n]), None);
        }
    }
}
