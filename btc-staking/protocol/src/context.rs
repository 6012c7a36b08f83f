//! Domain separation of everything that anyone signs off Bitcoin (signing context v0).
//!
//! A context is 64 ASCII characters put in front of a message as text. It binds a signature to its purpose, its
//! chain and its verifier; without it a proof of possession can double as a randomness commitment (trap B1) and a
//! finality vote can be replayed on another chain (trap B2). The plain generation, which has none, is
//! [`Domain::Plain`]; it exists for reading Babylon's own chains, never for signing on ours.

use core::fmt;

use bitcoin_hashes::{Hash, HashEngine, sha256};

/// What a signature is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Purpose {
    /// Possession of a provider's key.
    ProviderPossession,
    /// Possession of a staker's key.
    StakerPossession,
    /// Commitment to public randomness.
    RandomnessCommitment,
    /// Finality vote.
    FinalityVote,
}

impl Purpose {
    /// All purposes.
    pub const ALL: [Self; 4] =
        [Self::ProviderPossession, Self::StakerPossession, Self::RandomnessCommitment, Self::FinalityVote];

    /// Name inside the context.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::ProviderPossession => "fp_pop",
            Self::StakerPossession => "staker_pop",
            Self::RandomnessCommitment => "fp_rand_commit",
            Self::FinalityVote => "fp_fin_vote",
        }
    }
}

/// A signing context, version 0: 64 lower-case hexadecimal characters.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Context([u8; 64]);

impl Context {
    /// Derives the context of a purpose on a chain, verified by the module account or contract at `address`.
    #[must_use]
    pub fn v0(purpose: Purpose, chain_id: &str, address: &str) -> Self {
        let mut engine = sha256::Hash::engine();
        for part in ["btcstaking/0/", purpose.name(), "/", chain_id, "/", address] {
            engine.input(part.as_bytes());
        }
        let digest = sha256::Hash::from_engine(engine).to_byte_array();
        let mut text = [0; 64];
        for (pair, byte) in text.as_chunks_mut::<2>().0.iter_mut().zip(digest) {
            *pair = [hex_digit(byte >> 4), hex_digit(byte & 0x0f)];
        }
        Self(text)
    }

    /// Reads a context from its text; `None` unless it is 64 lower-case hexadecimal characters.
    #[must_use]
    pub fn from_text(text: &str) -> Option<Self> {
        let bytes: [u8; 64] = text.as_bytes().try_into().ok()?;
        bytes.iter().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f')).then_some(Self(bytes))
    }

    /// The text as bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 64] {
        &self.0
    }

    /// The text.
    #[must_use]
    pub fn as_text(&self) -> &str {
        core::str::from_utf8(&self.0).unwrap_or_default()
    }
}

impl fmt::Display for Context {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_text())
    }
}

impl fmt::Debug for Context {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_text())
    }
}

const fn hex_digit(nibble: u8) -> u8 {
    match nibble {
        0..=9 => b'0'.wrapping_add(nibble),
        _ => b'a'.wrapping_sub(10).wrapping_add(nibble),
    }
}

/// What stands in front of a signed message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Domain {
    /// Nothing: Babylon v1, v2 and v4.
    Plain,
    /// A context of version 0.
    V0(Context),
}

impl Domain {
    /// Context of version 0 as a domain.
    #[must_use]
    pub fn v0(purpose: Purpose, chain_id: &str, address: &str) -> Self {
        Self::V0(Context::v0(purpose, chain_id, address))
    }

    /// Bytes in front of the message.
    #[must_use]
    pub fn prefix(&self) -> &[u8] {
        match self {
            Self::Plain => &[],
            Self::V0(context) => context.as_bytes(),
        }
    }
}

impl From<Context> for Domain {
    fn from(context: Context) -> Self {
        Self::V0(context)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn the_published_example_is_reproduced() {
        let context = Context::v0(Purpose::FinalityVote, "mesh-1", "mesh1contract");
        assert_eq!(context.as_text(), "cb398fe4f8049c49f4da0990e68c35e83dc4dc2b2cdd1a18e3aed92d5c39df70");
        assert_eq!(Context::from_text(context.as_text()), Some(context));
    }

    /// Traps B1 and B2: purpose, chain and verifier each change the context.
    #[test]
    fn contexts_of_different_uses_differ() {
        let mut seen = BTreeSet::new();
        for purpose in Purpose::ALL {
            for chain in ["mesh-1", "mesh-2"] {
                for address in ["a", "b"] {
                    assert!(seen.insert(Context::v0(purpose, chain, address)));
                }
            }
        }
    }

    #[test]
    fn other_text_is_no_context() {
        let good = "cb398fe4f8049c49f4da0990e68c35e83dc4dc2b2cdd1a18e3aed92d5c39df70";
        assert!(Context::from_text(&good[1..]).is_none());
        assert!(Context::from_text(&good.to_uppercase()).is_none());
        assert!(Context::from_text("").is_none());
    }
}
