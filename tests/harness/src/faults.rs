//! What may go wrong on purpose, decided by a seed: the same seed gives the same faults.
//!
//! Here are the dice and the packet faults of [`crate::ibc`]; the faults of a Bitcoin node are its own calls.

/// A small deterministic generator (splitmix64). Not for secrets.
#[derive(Clone, Debug)]
pub struct Dice(u64);

impl Dice {
    /// Starts from `seed`.
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The next number.
    pub fn next_u64(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `n`; 0 when `n` is 0.
    pub fn below(&mut self, n: u64) -> u64 {
        if n == 0 { 0 } else { self.next_u64() % n }
    }

    /// True in `per_mille` of 1 000 cases.
    pub fn chance(&mut self, per_mille: u16) -> bool {
        self.below(1000) < u64::from(per_mille)
    }
}

/// How a relay treats packets badly; each number is a chance in 1 000 at each attempt.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PacketFaults {
    /// The attempt is lost; the packet stays on its chain and is tried again later.
    pub drop: u16,
    /// The packet is put back for 1..=`max_delay` rounds.
    pub delay: u16,
    /// Longest delay in rounds.
    pub max_delay: u32,
    /// Another pending packet goes first (never on ordered channels).
    pub reorder: u16,
    /// The same packet or acknowledgement is delivered twice.
    pub duplicate: u16,
    /// The packet is withheld and reported as timed out.
    pub timeout: u16,
}

impl PacketFaults {
    /// Everything arrives, once, in order.
    pub const NONE: Self = Self { drop: 0, delay: 0, max_delay: 0, reorder: 0, duplicate: 0, timeout: 0 };

    /// A bad day that still ends: everything happens to some packets, none is lost for ever.
    pub const ROUGH: Self =
        Self { drop: 200, delay: 200, max_delay: 5, reorder: 300, duplicate: 300, timeout: 0 };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_seed_gives_one_sequence() {
        let (mut a, mut b) = (Dice::new(7), Dice::new(7));
        assert!((0..100).all(|_| a.next_u64() == b.next_u64()));
        assert!((0..1000).all(|_| a.below(10) < 10));
        assert_eq!(a.below(0), 0);
    }
}
