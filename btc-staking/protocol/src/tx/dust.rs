//! Relay dust: outputs too small to be worth spending.
//!
//! The rule is btcd's at the default 1000 sat/kvB relay fee, three times the cost of creating and spending the
//! output, because Babylon's chain applies it. Not a consensus rule of Bitcoin.

use super::raw::{Sat, TxOut};

/// Bytes of an input without its signature: outpoint, empty script length, sequence.
const INPUT_LEN: usize = 41;
/// Bytes of a signature and key that spend an ordinary output.
const SPEND_LEN: usize = 107;
/// Longest script that can be executed.
const MAX_SCRIPT_LEN: usize = 10_000;

/// Returns the least value at which an output with this script is not dust.
#[must_use]
pub fn dust_threshold(script: &[u8]) -> Sat {
    let spend = if is_witness_program(script) { SPEND_LEN / 4 } else { SPEND_LEN };
    let output = TxOut::new(Sat(0), script).serialized_len();
    let size = output.saturating_add(INPUT_LEN).saturating_add(spend);
    Sat(u64::try_from(size).unwrap_or(u64::MAX).saturating_mul(3))
}

/// Tells whether an output is dust. Unspendable outputs always are.
#[must_use]
pub fn is_dust(output: &TxOut) -> bool {
    is_unspendable(&output.script) || output.value < dust_threshold(&output.script)
}

/// Tells whether an output of a slashing transaction is refused as dust: as [`is_dust`], but a data carrier is
/// exempt whatever its value, because slashed coins may be burned.
#[must_use]
pub fn is_dust_unless_burn(output: &TxOut) -> bool {
    !is_op_return(&output.script) && is_dust(output)
}

/// Tells whether the script starts with OP_RETURN.
#[must_use]
pub fn is_op_return(script: &[u8]) -> bool {
    script.first() == Some(&0x6a)
}

/// Tells whether the script is a witness program (BIP-141): a version and one push of 2 to 40 bytes.
#[must_use]
pub fn is_witness_program(script: &[u8]) -> bool {
    let [version, push, program @ ..] = script else { return false };
    matches!(version, 0x00 | 0x51..=0x60) && matches!(push, 2..=40) && program.len() == usize::from(*push)
}

fn is_unspendable(script: &[u8]) -> bool {
    is_op_return(script) || script.len() > MAX_SCRIPT_LEN || !parses(script)
}

/// Tells whether every push of the script is complete.
fn parses(mut script: &[u8]) -> bool {
    while let Some((&op, rest)) = script.split_first() {
        match push_len(op, rest) {
            Some((prefix, len)) => match rest.get(prefix..).and_then(|r| r.get(len..)) {
                Some(next) => script = next,
                None => return false,
            },
            None => return false,
        }
    }
    true
}

/// Returns (bytes of the length, bytes of data) that follow an opcode.
fn push_len(op: u8, rest: &[u8]) -> Option<(usize, usize)> {
    match op {
        0x01..=0x4b => Some((0, usize::from(op))),
        0x4c => rest.first().map(|n| (1, usize::from(*n))),
        0x4d => rest.first_chunk::<2>().map(|n| (2, usize::from(u16::from_le_bytes(*n)))),
        0x4e => {
            let n = u32::from_le_bytes(*rest.first_chunk::<4>()?);
            usize::try_from(n).ok().map(|n| (4, n))
        }
        _ => Some((0, 0)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thresholds_are_those_of_btcd() {
        let program =
            |version: u8, len: u8| [&[version, len][..], &alloc::vec![7; usize::from(len)]].concat();
        assert_eq!(dust_threshold(&program(0x51, 32)), Sat(330));
        assert_eq!(dust_threshold(&program(0x00, 32)), Sat(330));
        assert_eq!(dust_threshold(&program(0x00, 20)), Sat(294));
        assert_eq!(dust_threshold(&[0x51, 0x02, 0x4e, 0x73]), Sat(240));
        assert_eq!(dust_threshold(&[0; 25]), Sat(546));
        assert_eq!(dust_threshold(&[0; 23]), Sat(540));
    }

    /// Trap A12.
    #[test]
    fn a_burn_is_never_refused_as_dust() {
        assert!(is_dust(&TxOut::new(Sat(1_000_000), *b"\x6a\x01x")));
        assert!(!is_dust_unless_burn(&TxOut::new(Sat(0), *b"\x6a\x01x")));
    }

    #[test]
    fn an_incomplete_push_is_unspendable() {
        assert!(is_dust(&TxOut::new(Sat(1_000_000), [0x05, 1, 2])));
        assert!(!is_dust(&TxOut::new(Sat(1_000_000), [0x02, 1, 2])));
    }
}
