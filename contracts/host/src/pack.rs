//! Reading and writing of fixed-width binary state. Numbers are big-endian.
//!
//! State written by the contract itself is trusted in meaning, not in shape: every read is checked, a record
//! of another shape is an error and never a panic.

/// A stored record does not have the shape it must have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("stored {0} is malformed")]
pub struct CorruptState(pub &'static str);

/// Takes fixed-width fields off the front of a record.
#[derive(Clone, Debug)]
pub struct Unpack<'a> {
    rest: &'a [u8],
    what: &'static str,
}

impl<'a> Unpack<'a> {
    /// Begins to read a record; `what` names it in errors.
    #[must_use]
    pub const fn new(what: &'static str, raw: &'a [u8]) -> Self {
        Self { rest: raw, what }
    }

    /// Takes `N` bytes.
    ///
    /// # Errors
    /// The record is too short.
    pub fn array<const N: usize>(&mut self) -> Result<[u8; N], CorruptState> {
        let (head, rest) = self.rest.split_first_chunk::<N>().ok_or(CorruptState(self.what))?;
        self.rest = rest;
        Ok(*head)
    }

    /// Takes `len` bytes.
    ///
    /// # Errors
    /// The record is too short.
    pub fn bytes(&mut self, len: usize) -> Result<&'a [u8], CorruptState> {
        let (head, rest) = self.rest.split_at_checked(len).ok_or(CorruptState(self.what))?;
        self.rest = rest;
        Ok(head)
    }

    /// Takes a byte.
    ///
    /// # Errors
    /// The record is too short.
    pub fn u8(&mut self) -> Result<u8, CorruptState> {
        self.array::<1>().map(|[byte]| byte)
    }

    /// Takes a 16-bit number.
    ///
    /// # Errors
    /// The record is too short.
    pub fn u16(&mut self) -> Result<u16, CorruptState> {
        self.array().map(u16::from_be_bytes)
    }

    /// Takes a 32-bit number.
    ///
    /// # Errors
    /// The record is too short.
    pub fn u32(&mut self) -> Result<u32, CorruptState> {
        self.array().map(u32::from_be_bytes)
    }

    /// Takes a 64-bit number.
    ///
    /// # Errors
    /// The record is too short.
    pub fn u64(&mut self) -> Result<u64, CorruptState> {
        self.array().map(u64::from_be_bytes)
    }

    /// Takes a 128-bit number.
    ///
    /// # Errors
    /// The record is too short.
    pub fn u128(&mut self) -> Result<u128, CorruptState> {
        self.array().map(u128::from_be_bytes)
    }

    /// Takes a number that was written by [`put_number`].
    ///
    /// # Errors
    /// The record is too short, or the number longer than 8 bytes.
    pub fn number(&mut self) -> Result<u64, CorruptState> {
        let mut number = [0; 8];
        let bytes = self.short_bytes()?;
        let tail = 8usize.checked_sub(bytes.len()).and_then(|from| number.get_mut(from..));
        tail.ok_or(CorruptState(self.what))?.copy_from_slice(bytes);
        Ok(u64::from_be_bytes(number))
    }

    /// Takes bytes that are preceded by their number in one byte.
    ///
    /// # Errors
    /// The record is too short.
    pub fn short_bytes(&mut self) -> Result<&'a [u8], CorruptState> {
        let len = self.u8()?;
        self.bytes(usize::from(len))
    }

    /// Takes bytes that are preceded by their number in two bytes.
    ///
    /// # Errors
    /// The record is too short.
    pub fn long_bytes(&mut self) -> Result<&'a [u8], CorruptState> {
        let len = self.u16()?;
        self.bytes(usize::from(len))
    }

    /// Takes what is left.
    pub const fn rest(&mut self) -> &'a [u8] {
        let rest = self.rest;
        self.rest = &[];
        rest
    }

    /// Whether everything was taken.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    /// Ends the record.
    ///
    /// # Errors
    /// Something is left.
    pub const fn end(self) -> Result<(), CorruptState> {
        if self.rest.is_empty() { Ok(()) } else { Err(CorruptState(self.what)) }
    }
}

/// Bytes are too many for their length prefix.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{len} bytes are too many, at most {max} fit")]
pub struct TooLong {
    /// Number of bytes.
    pub len: usize,
    /// Most that fit.
    pub max: usize,
}

/// Appends a number without its leading zero bytes, preceded by the number of bytes in one: a stored byte costs 30.
pub fn put_number(out: &mut Vec<u8>, number: u64) {
    let bytes = number.to_be_bytes();
    let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
    out.extend(u8::try_from(bytes.len().saturating_sub(zeros)));
    out.extend(bytes.iter().skip(zeros));
}

/// Appends bytes preceded by their number in one byte.
///
/// # Errors
/// More than 255 bytes.
pub fn put_short_bytes(out: &mut Vec<u8>, bytes: &[u8]) -> Result<(), TooLong> {
    let len = u8::try_from(bytes.len()).map_err(|_| TooLong { len: bytes.len(), max: 255 })?;
    out.push(len);
    out.extend_from_slice(bytes);
    Ok(())
}

/// Appends bytes preceded by their number in two bytes.
///
/// # Errors
/// More than 65 535 bytes.
pub fn put_long_bytes(out: &mut Vec<u8>, bytes: &[u8]) -> Result<(), TooLong> {
    let len = u16::try_from(bytes.len()).map_err(|_| TooLong { len: bytes.len(), max: 65_535 })?;
    out.extend_from_slice(&len.to_be_bytes());
    out.extend_from_slice(bytes);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_come_back_in_order() {
        let mut raw = vec![7];
        raw.extend_from_slice(&9u32.to_be_bytes());
        put_short_bytes(&mut raw, b"ab").unwrap();
        put_long_bytes(&mut raw, b"c").unwrap();
        let mut fields = Unpack::new("test", &raw);
        assert_eq!((fields.u8(), fields.u32()), (Ok(7), Ok(9)));
        assert_eq!((fields.short_bytes(), fields.long_bytes()), (Ok(&b"ab"[..]), Ok(&b"c"[..])));
        assert!(fields.end().is_ok());
    }

    #[test]
    fn numbers_take_as_many_bytes_as_they_need() {
        for (number, len) in [(0, 1), (1, 2), (255, 2), (256, 3), (u64::MAX, 9)] {
            let mut raw = Vec::new();
            put_number(&mut raw, number);
            assert_eq!((raw.len(), Unpack::new("test", &raw).number()), (len, Ok(number)));
        }
        assert_eq!(Unpack::new("test", &[9, 1, 1, 1, 1, 1, 1, 1, 1, 1]).number(), Err(CorruptState("test")));
    }

    #[test]
    fn short_and_long_records_are_errors() {
        assert_eq!(Unpack::new("test", &[1]).u16(), Err(CorruptState("test")));
        assert_eq!(Unpack::new("test", &[1]).end(), Err(CorruptState("test")));
        assert!(put_short_bytes(&mut Vec::new(), &[0; 256]).is_err());
    }
}
