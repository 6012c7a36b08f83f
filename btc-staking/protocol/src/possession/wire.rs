//! The two protobuf messages of a proof of possession, read strictly: known fields once, in order, canonical
//! lengths, nothing after them. As protobuf writes them: a field that is not there is empty, and an empty one is not
//! there.

use core::fmt;

/// Why bytes are not the protobuf message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum WireError {
    /// Bytes end inside a field.
    UnexpectedEnd,
    /// Number in more bytes than needed, or too large; or an empty field that is written out.
    Number,
    /// Field that is unknown, repeated or out of order: its key.
    Field(u32),
}

impl fmt::Display for WireError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnexpectedEnd => f.write_str("protobuf ends inside a field"),
            Self::Number => f.write_str("protobuf number is not canonical"),
            Self::Field(key) => write!(f, "protobuf field {key:#x} is not expected here"),
        }
    }
}

impl core::error::Error for WireError {}

/// `ProofOfPossessionBTC{1: enum type, 2: bytes sig}`.
pub(super) fn possession(raw: &[u8]) -> Result<(u32, &[u8]), WireError> {
    let mut rest = raw;
    let sig_type = match rest.split_first() {
        Some((0x08, tail)) => {
            rest = tail;
            let value = number(&mut rest)?;
            if value == 0 { Err(WireError::Number) } else { Ok(value) }
        }
        _ => Ok(0),
    }?;
    let sig = bytes(&mut rest, 2)?;
    finish(rest)?;
    Ok((sig_type, sig))
}

/// `BIP322Sig{1: bytes address, 2: bytes sig}`.
pub(super) fn bip322(raw: &[u8]) -> Result<(&[u8], &[u8]), WireError> {
    let mut rest = raw;
    let address = bytes(&mut rest, 1)?;
    let sig = bytes(&mut rest, 2)?;
    finish(rest)?;
    Ok((address, sig))
}

fn bytes<'a>(rest: &mut &'a [u8], field: u32) -> Result<&'a [u8], WireError> {
    let tail = match rest.split_first() {
        Some((key, tail)) if u32::from(*key) == (field << 3) | 2 => tail,
        // Another field, or the end: what should not be there is refused after the last field.
        _ => return Ok(&[]),
    };
    *rest = tail;
    let len = usize::try_from(number(rest)?).map_err(|_| WireError::Number)?;
    if len == 0 {
        return Err(WireError::Number);
    }
    let (value, tail) = rest.split_at_checked(len).ok_or(WireError::UnexpectedEnd)?;
    *rest = tail;
    Ok(value)
}

fn number(rest: &mut &[u8]) -> Result<u32, WireError> {
    let (mut value, mut shift) = (0_u64, 0_u32);
    loop {
        let (byte, tail) = rest.split_first().ok_or(WireError::UnexpectedEnd)?;
        *rest = tail;
        value |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            let canonical = *byte != 0 || shift == 0;
            return if canonical {
                u32::try_from(value).map_err(|_| WireError::Number)
            } else {
                Err(WireError::Number)
            };
        }
        shift = shift.saturating_add(7);
        if shift > 28 {
            return Err(WireError::Number);
        }
    }
}

fn finish(rest: &[u8]) -> Result<(), WireError> {
    match rest.first() {
        None => Ok(()),
        Some(key) => Err(WireError::Field(u32::from(*key))),
    }
}
