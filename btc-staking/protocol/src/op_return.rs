//! The data of a transaction's OP_RETURN output, as checkpoints travel on Bitcoin.
//!
//! Follows Babylon byte for byte, oddities included, because both sides must read the same data: only standard
//! outputs of at most 80 bytes count, two of them are an error, and of a push by `PUSHDATA2` or `PUSHDATA4` only
//! the opcodes are cut off, so that length bytes come along. Not for finding stakes: that is [`crate::tag`].

use core::fmt;

use crate::tx::Transaction;

const OP_RETURN: u8 = 0x6a;
const OP_PUSHDATA1: u8 = 0x4c;
const OP_PUSHDATA2: u8 = 0x4d;
const OP_PUSHDATA4: u8 = 0x4e;
/// Most bytes that a relayed OP_RETURN carried when the format was made.
const MAX_STANDARD_DATA: usize = 80;

/// Why no OP_RETURN data was taken from a transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum OpReturnError {
    /// More than one standard OP_RETURN output: the second at this index.
    Several(usize),
}

impl fmt::Display for OpReturnError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Several(index) => write!(f, "output {index} is a second OP_RETURN"),
        }
    }
}

impl core::error::Error for OpReturnError {}

/// Data of the only standard OP_RETURN output, without opcode and length; empty if the output is bare; `None` if
/// there is no such output.
///
/// # Errors
/// Refuses two standard OP_RETURN outputs.
pub fn standard_data(tx: &Transaction) -> Result<Option<&[u8]>, OpReturnError> {
    let mut found = None;
    for (index, output) in tx.outputs.iter().enumerate() {
        if !is_standard(&output.script) {
            continue;
        }
        if found.is_some() {
            return Err(OpReturnError::Several(index));
        }
        found = Some(payload(&output.script));
    }
    Ok(found)
}

/// Whether a script is a standard OP_RETURN: nothing after the opcode, or one push of at most 80 bytes.
#[must_use]
pub fn is_standard(script: &[u8]) -> bool {
    match script {
        [OP_RETURN] => true,
        [OP_RETURN, push @ ..] => single_push_len(push).is_some_and(|n| n <= MAX_STANDARD_DATA),
        _ => false,
    }
}

/// Length of the data if the bytes are exactly one push. A small number counts as an empty push.
fn single_push_len(push: &[u8]) -> Option<usize> {
    let (declared, data) = match push {
        [0x00 | 0x51..=0x60] => return Some(0),
        [n @ 0x01..=0x4b, data @ ..] => (usize::from(*n), data),
        [OP_PUSHDATA1, n, data @ ..] => (usize::from(*n), data),
        [OP_PUSHDATA2, a, b, data @ ..] => (usize::from(u16::from_le_bytes([*a, *b])), data),
        [OP_PUSHDATA4, a, b, c, d, data @ ..] => {
            (usize::try_from(u32::from_le_bytes([*a, *b, *c, *d])).ok()?, data)
        }
        _ => return None,
    };
    (declared == data.len()).then_some(declared)
}

fn payload(script: &[u8]) -> &[u8] {
    match script {
        [_, OP_PUSHDATA1, _, data @ ..] | [_, _, data @ ..] => data,
        _ => &[],
    }
}
