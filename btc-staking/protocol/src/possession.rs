//! Proofs of possession: that whoever holds a Bitcoin key also meant a chain address.
//!
//! Three forms, after the wallet that signs: BIP-340 over the raw address, BIP-322 *simple* ([`bip322`]) and a
//! signed message (ECDSA) over its bech32 text. Each is bound to its purpose, chain and verifier by a [`Domain`]
//! (trap B1). Stricter than Babylon: nothing may follow a witness, the address must belong to the Bitcoin network
//! in use, protobuf is read without unknown or repeated fields. Spec §3.4.

pub mod bip322;
mod wire;

use alloc::vec::Vec;
use core::fmt;

use bech32::primitives::decode::CheckedHrpstring;
use bitcoin_hashes::{Hash, HashEngine, sha256, sha256d};
use staking_crypto::ecdsa::{self, RecoverableSignature};
use staking_crypto::{Curve, XOnly, bip340};

pub use bip322::Bip322Error;
pub use wire::WireError;

use crate::context::Domain;
use crate::header::Network;

/// Chain address in both forms; parsing checks that they are the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChainAddress {
    text: alloc::string::String,
    raw: Vec<u8>,
}

impl ChainAddress {
    /// Parses a bech32 address of 20 or 32 bytes.
    ///
    /// # Errors
    /// Refuses other text, other lengths and upper case.
    pub fn parse(text: &str) -> Result<Self, AddressError> {
        let checked = CheckedHrpstring::new::<bech32::Bech32>(text).map_err(|_| AddressError::NotBech32)?;
        let raw: Vec<u8> = checked.byte_iter().collect();
        if text.bytes().any(|b| b.is_ascii_uppercase()) {
            return Err(AddressError::UpperCase);
        }
        match raw.len() {
            20 | 32 => Ok(Self { text: text.into(), raw }),
            n => Err(AddressError::Length(n)),
        }
    }

    /// The text.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The bytes: 20 for an account, 32 for a contract or module.
    #[must_use]
    pub fn raw(&self) -> &[u8] {
        &self.raw
    }
}

/// Why text is not a chain address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum AddressError {
    /// Not bech32 text.
    NotBech32,
    /// Upper case, which chains print never.
    UpperCase,
    /// Neither 20 nor 32 bytes.
    Length(usize),
}

impl fmt::Display for AddressError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotBech32 => f.write_str("address is not bech32 text"),
            Self::UpperCase => f.write_str("address is in upper case"),
            Self::Length(n) => write!(f, "address has {n} bytes, not 20 or 32"),
        }
    }
}

impl core::error::Error for AddressError {}

/// A proof of possession, parsed but not verified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Possession {
    /// Schnorr signature by the key itself over the raw address.
    Bip340(bip340::Signature),
    /// Wallet signature by an address of the key over the text.
    Bip322(bip322::Simple),
    /// Signed message by the key over the text.
    Ecdsa(RecoverableSignature),
}

impl Possession {
    /// Parses a signature of a type numbered as on the wire: 0 BIP-340, 1 BIP-322, 2 ECDSA.
    ///
    /// # Errors
    /// Refuses unknown types and signatures that are not of the type's form.
    pub fn from_parts(sig_type: u32, sig: &[u8]) -> Result<Self, PossessionError> {
        match sig_type {
            0 => {
                let bytes =
                    sig.try_into().map_err(|_| PossessionError::Length { expected: 64, found: sig.len() })?;
                bip340::Signature::from_bytes(bytes).map(Self::Bip340).map_err(PossessionError::Bip340Form)
            }
            1 => bip322::Simple::from_proto(sig).map(Self::Bip322).map_err(PossessionError::Bip322),
            2 => {
                let bytes =
                    sig.try_into().map_err(|_| PossessionError::Length { expected: 65, found: sig.len() })?;
                RecoverableSignature::from_compact(bytes).map(Self::Ecdsa).map_err(PossessionError::EcdsaForm)
            }
            other => Err(PossessionError::Type(other)),
        }
    }

    /// Parses the protobuf message `ProofOfPossessionBTC`.
    ///
    /// # Errors
    /// As [`Self::from_parts`], and for bytes that are not exactly this message.
    pub fn from_proto(raw: &[u8]) -> Result<Self, PossessionError> {
        let (sig_type, sig) = wire::possession(raw).map_err(PossessionError::Wire)?;
        Self::from_parts(sig_type, sig)
    }

    /// Verifies that the key's holder meant the address.
    ///
    /// # Errors
    /// Refuses a proof by another key, over another address, for another domain, or by an address of another
    /// Bitcoin network.
    pub fn verify<C: Curve>(
        &self,
        curve: &C,
        domain: &Domain,
        key: &XOnly,
        address: &ChainAddress,
        network: Network,
    ) -> Result<(), PossessionError> {
        match self {
            Self::Bip340(signature) => {
                let digest = bip340_digest(domain, address.raw());
                bip340::verify(curve, key, &digest, signature).map_err(PossessionError::Bip340)
            }
            Self::Bip322(simple) => {
                let message = text_message(domain, address.text());
                simple.verify_by_key(curve, key, &message, network).map_err(PossessionError::Bip322)
            }
            Self::Ecdsa(signature) => {
                let digest = ecdsa_digest(&text_message(domain, address.text()));
                let signer = ecdsa::recover(curve, &digest, signature).map_err(PossessionError::Ecdsa)?;
                check_key(key, &signer.x_only())
            }
        }
    }
}

fn check_key(expected: &XOnly, found: &XOnly) -> Result<(), PossessionError> {
    if expected == found {
        Ok(())
    } else {
        Err(PossessionError::OtherKey { expected: *expected, found: *found })
    }
}

/// Digest that a BIP-340 proof signs: the context and the raw address.
#[must_use]
pub fn bip340_digest(domain: &Domain, raw_address: &[u8]) -> [u8; 32] {
    let mut engine = sha256::Hash::engine();
    engine.input(domain.prefix());
    engine.input(raw_address);
    sha256::Hash::from_engine(engine).to_byte_array()
}

/// Message that a wallet shows and signs: the context and the address as text.
#[must_use]
pub fn text_message(domain: &Domain, address: &str) -> Vec<u8> {
    [domain.prefix(), address.as_bytes()].concat()
}

/// Digest of Bitcoin's signed messages.
#[must_use]
pub fn ecdsa_digest(message: &[u8]) -> [u8; 32] {
    let mut bytes = Vec::with_capacity(message.len().saturating_add(34));
    crate::tx::raw::write_bytes(&mut bytes, b"Bitcoin Signed Message:\n");
    crate::tx::raw::write_bytes(&mut bytes, message);
    sha256d::Hash::hash(&bytes).to_byte_array()
}

/// Why a proof of possession was refused.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum PossessionError {
    /// Not the protobuf message.
    Wire(WireError),
    /// Unknown type of signature.
    Type(u32),
    /// Signature of another length than its type has.
    Length {
        /// Bytes of the type.
        expected: usize,
        /// Bytes found.
        found: usize,
    },
    /// 64 bytes that are no Schnorr signature.
    Bip340Form(bip340::ParseError),
    /// Schnorr signature is invalid.
    Bip340(bip340::VerifyError),
    /// BIP-322 signature is malformed or invalid.
    Bip322(Bip322Error),
    /// 65 bytes that are no acceptable recoverable signature.
    EcdsaForm(ecdsa::ParseError),
    /// No key can have made the signature.
    Ecdsa(staking_crypto::CurveError),
    /// Signature by another key.
    OtherKey {
        /// Key claimed.
        expected: XOnly,
        /// Key that signed.
        found: XOnly,
    },
}

impl fmt::Display for PossessionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Wire(error) => error.fmt(f),
            Self::Type(n) => write!(f, "unknown type {n} of proof of possession"),
            Self::Length { expected, found } => write!(f, "signature has {found} bytes, not {expected}"),
            Self::Bip340Form(error) => error.fmt(f),
            Self::Bip340(error) => error.fmt(f),
            Self::Bip322(error) => error.fmt(f),
            Self::EcdsaForm(error) => error.fmt(f),
            Self::Ecdsa(error) => error.fmt(f),
            Self::OtherKey { expected, found } => write!(f, "signed by {found}, not by {expected}"),
        }
    }
}

impl core::error::Error for PossessionError {}

#[cfg(test)]
mod tests;
