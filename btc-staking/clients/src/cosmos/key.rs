//! The account key of a chain: derived from a mnemonic or read from a file, never shown.

use crate::private::{PrivateFileError, read_private};
use bitcoin::bip32::{DerivationPath, Xpriv};
use bitcoin::secp256k1::Secp256k1;
use cosmrs::AccountId;
use cosmrs::crypto::{PublicKey, secp256k1::SigningKey};
use hex_conservative::FromHex;
use std::path::Path;
use zeroize::Zeroizing;

/// Cosmos accounts: BIP-44, coin type 118.
const COSMOS_PATH: &str = "m/44'/118'/0'/0/0";

/// Why a key could not be made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum KeyError {
    /// The words are not a BIP-39 mnemonic.
    #[error("not a BIP-39 mnemonic: {0}")]
    Mnemonic(String),
    /// The bytes are not a secp256k1 secret key.
    #[error("not a secret key: 64 hex digits between 1 and the group order are needed")]
    Secret,
    /// The prefix cannot be a bech32 prefix.
    #[error("`{0}` is not a bech32 prefix")]
    Prefix(String),
    /// The account file was not read.
    #[error(transparent)]
    File(#[from] PrivateFileError),
}

/// An account key. It has no `Debug`, no `Clone` and no way out but signing.
pub struct ChainKey {
    key: SigningKey,
    address: AccountId,
}

impl ChainKey {
    /// Derives `m/44'/118'/0'/0/0` of a BIP-39 mnemonic without passphrase.
    ///
    /// # Errors
    /// [`KeyError::Mnemonic`], [`KeyError::Prefix`].
    pub fn from_mnemonic(words: &str, prefix: &str) -> Result<Self, KeyError> {
        let mnemonic =
            bip39::Mnemonic::parse_normalized(words).map_err(|e| KeyError::Mnemonic(e.to_string()))?;
        let seed = Zeroizing::new(mnemonic.to_seed_normalized(""));
        let path: DerivationPath = COSMOS_PATH.parse().map_err(|_| KeyError::Secret)?;
        let root =
            Xpriv::new_master(bitcoin::NetworkKind::Main, seed.as_slice()).map_err(|_| KeyError::Secret)?;
        let child = root.derive_priv(&Secp256k1::signing_only(), &path).map_err(|_| KeyError::Secret)?;
        Self::from_bytes(&Zeroizing::new(child.private_key.secret_bytes()), prefix)
    }

    /// Reads an account file that nobody else may read.
    ///
    /// # Errors
    /// [`KeyError::File`], or as [`Self::from_text`].
    pub fn from_file(path: &Path, prefix: &str) -> Result<Self, KeyError> {
        Self::from_text(&read_private(path)?, prefix)
    }

    /// Takes what an account file holds: 64 hex digits, or the words of a mnemonic.
    ///
    /// # Errors
    /// As [`Self::from_hex`] or [`Self::from_mnemonic`].
    pub fn from_text(text: &str, prefix: &str) -> Result<Self, KeyError> {
        match text.trim() {
            words if words.contains(' ') => Self::from_mnemonic(words, prefix),
            hex => Self::from_hex(hex, prefix),
        }
    }

    /// Takes 64 hex digits.
    ///
    /// # Errors
    /// [`KeyError::Secret`], [`KeyError::Prefix`].
    pub fn from_hex(hex: &str, prefix: &str) -> Result<Self, KeyError> {
        let bytes = Zeroizing::new(<[u8; 32]>::from_hex(hex.trim()).map_err(|_| KeyError::Secret)?);
        Self::from_bytes(&bytes, prefix)
    }

    /// Takes the 32 secret bytes.
    ///
    /// # Errors
    /// [`KeyError::Secret`], [`KeyError::Prefix`].
    pub fn from_bytes(secret: &[u8; 32], prefix: &str) -> Result<Self, KeyError> {
        let key = SigningKey::from_slice(secret).map_err(|_| KeyError::Secret)?;
        let address = key.public_key().account_id(prefix).map_err(|_| KeyError::Prefix(prefix.to_owned()))?;
        Ok(Self { key, address })
    }

    /// The account's bech32 address.
    pub fn address(&self) -> String {
        self.address.to_string()
    }

    pub(crate) fn public_key(&self) -> PublicKey {
        self.key.public_key()
    }

    pub(crate) fn signing_key(&self) -> &SigningKey {
        &self.key
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_well_known_test_mnemonic_gives_its_well_known_address() {
        let words =
            "abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon about";
        let key = ChainKey::from_mnemonic(words, "cosmos").expect("a valid mnemonic");
        assert_eq!(key.address(), "cosmos19rl4cm2hmr8afy4kldpxz3fka4jguq0auqdal4");
    }

    #[test]
    fn zero_is_no_key() {
        assert!(matches!(ChainKey::from_hex(&"00".repeat(32), "mesh"), Err(KeyError::Secret)));
    }
}
