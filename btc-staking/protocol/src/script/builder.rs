//! Laying out script bytes: pushes, minimal numbers, the multi-signature fragment.

use alloc::vec::Vec;

use crate::keys::{ProviderKey, Stakers, sorted};

const CHECKSIG: u8 = 0xac;
const CHECKSIGVERIFY: u8 = 0xad;
const CHECKSIGADD: u8 = 0xba;
const NUMEQUAL: u8 = 0x9c;
const NUMEQUALVERIFY: u8 = 0x9d;
const CHECKSEQUENCEVERIFY: u8 = 0xb2;
const PUSH_32: u8 = 0x20;

/// How a fragment ends: leaving its result on the stack, or failing at once.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Ending {
    Result,
    Verify,
}

/// Appends a number in its shortest form: OP_0, OP_1 to OP_16, or little-endian bytes.
pub(super) fn push_number(script: &mut Vec<u8>, n: u32) {
    match u8::try_from(n) {
        Ok(0) => script.push(0),
        Ok(small @ 1..=16) => script.push(small.saturating_add(0x50)),
        _ => push_long_number(script, n),
    }
}

fn push_long_number(script: &mut Vec<u8>, n: u32) {
    let bytes = n.to_le_bytes();
    let used = bytes.iter().rposition(|byte| *byte != 0).map_or(0, |last| last.saturating_add(1));
    let (digits, _) = bytes.split_at_checked(used).unwrap_or((&bytes, &[]));
    // A set top bit would be the sign.
    let pad = digits.last().is_some_and(|top| top & 0x80 != 0);
    let len = u8::try_from(digits.len()).unwrap_or(4).saturating_add(u8::from(pad));
    script.push(len);
    script.extend_from_slice(digits);
    if pad {
        script.push(0);
    }
}

fn push_key(script: &mut Vec<u8>, key: &[u8; 32], op: u8) {
    script.push(PUSH_32);
    script.extend_from_slice(key);
    script.push(op);
}

/// Appends "exactly `quorum` of these keys sign". The keys come in ascending order, without duplicates.
///
/// One key gives a plain signature check. The comparison is NUMEQUAL: one signature more fails too.
pub(super) fn push_multi<K: AsRef<[u8; 32]>>(script: &mut Vec<u8>, keys: &[K], quorum: u32, ending: Ending) {
    if let [only] = keys {
        let op = if ending == Ending::Verify { CHECKSIGVERIFY } else { CHECKSIG };
        return push_key(script, only.as_ref(), op);
    }
    for (i, key) in keys.iter().enumerate() {
        push_key(script, key.as_ref(), if i == 0 { CHECKSIG } else { CHECKSIGADD });
    }
    push_number(script, quorum);
    script.push(if ending == Ending::Verify { NUMEQUALVERIFY } else { NUMEQUAL });
}

/// Space for `keys` keys and the numbers around them.
pub(super) fn capacity(keys: usize) -> usize {
    keys.saturating_mul(34).saturating_add(16)
}

/// Returns "the staker signs", with which every leaf begins.
pub(super) fn staker_check(stakers: &Stakers) -> Vec<u8> {
    let mut script = Vec::with_capacity(capacity(stakers.keys().len()));
    match stakers.keys() {
        [_] => push_multi(&mut script, stakers.keys(), 1, Ending::Verify),
        many => push_multi(&mut script, &sorted(many), stakers.quorum(), Ending::Verify),
    }
    script
}

/// Appends "exactly one provider signs".
pub(super) fn push_providers(script: &mut Vec<u8>, providers: &[ProviderKey]) {
    match providers {
        [_] => push_multi(script, providers, 1, Ending::Verify),
        many => push_multi(script, &sorted(many), 1, Ending::Verify),
    }
}

/// Returns the time lock leaf that begins with `staker_check`.
pub(super) fn timelock(staker_check: &[u8], blocks: u16) -> Vec<u8> {
    let mut script = Vec::with_capacity(staker_check.len().saturating_add(5));
    script.extend_from_slice(staker_check);
    push_number(&mut script, u32::from(blocks));
    script.push(CHECKSEQUENCEVERIFY);
    script
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec;

    #[test]
    fn numbers_are_minimal() {
        let pushed = |n| {
            let mut script = Vec::new();
            push_number(&mut script, n);
            script
        };
        assert_eq!(pushed(0), vec![0x00]);
        assert_eq!(pushed(1), vec![0x51]);
        assert_eq!(pushed(16), vec![0x60]);
        assert_eq!(pushed(17), vec![0x01, 17]);
        assert_eq!(pushed(127), vec![0x01, 127]);
        assert_eq!(pushed(128), vec![0x02, 0x80, 0x00]);
        assert_eq!(pushed(255), vec![0x02, 0xff, 0x00]);
        assert_eq!(pushed(1000), vec![0x02, 0xe8, 0x03]);
        assert_eq!(pushed(32767), vec![0x02, 0xff, 0x7f]);
        assert_eq!(pushed(64000), vec![0x03, 0x00, 0xfa, 0x00]);
        assert_eq!(pushed(65535), vec![0x03, 0xff, 0xff, 0x00]);
    }
}
