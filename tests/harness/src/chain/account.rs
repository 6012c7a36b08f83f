//! Accounts of test worlds: keys from a name or a mnemonic. They guard nothing of value.

use super::api::to_bech32;
use super::error::ChainError;
use bitcoin_hashes::{Hash, HashEngine, Hmac, HmacEngine, sha256, sha512};
use cosmrs::bip32::{DerivationPath, XPrv};
use cosmrs::crypto::secp256k1::SigningKey;
use cosmwasm_std::Coin;

/// Cosmos accounts: BIP-44, coin type 118.
const COSMOS_PATH: &str = "m/44'/118'/0'/0/0";
/// Rounds of PBKDF2 in BIP-39.
const BIP39_ROUNDS: usize = 2048;

/// A key pair that a test or a demo signs with.
pub struct DevAccount {
    secret: [u8; 32],
    public: Vec<u8>,
}

impl DevAccount {
    /// Derives a key from a seed and a name; the same pair gives the same key.
    pub fn from_seed(seed: u64, name: &str) -> Self {
        let mut round = 0u8;
        loop {
            let hash = sha256::Hash::hash(format!("mesh-harness account/{seed}/{name}/{round}").as_bytes());
            // All but 2^-128 of the hashes are valid secret keys.
            if let Ok(account) = Self::from_secret(hash.to_byte_array()) {
                return account;
            }
            round = round.wrapping_add(1);
        }
    }

    /// Derives `m/44'/118'/0'/0/0` of a BIP-39 sentence without passphrase. The words are not checked.
    ///
    /// # Errors
    /// [`ChainError::Config`] when no key comes of it (practically never).
    pub fn from_mnemonic(words: &str) -> Result<Self, ChainError> {
        let config = |e: cosmrs::bip32::Error| ChainError::Config(e.to_string());
        let path: DerivationPath = COSMOS_PATH.parse().map_err(config)?;
        let key = XPrv::derive_from_path(bip39_seed(words), &path).map_err(config)?;
        Self::from_secret(key.to_bytes())
    }

    /// Takes a secret key.
    ///
    /// # Errors
    /// [`ChainError::Config`] when it is zero or not below the group order.
    pub fn from_secret(secret: [u8; 32]) -> Result<Self, ChainError> {
        let key = SigningKey::from_slice(&secret).map_err(|e| ChainError::Config(e.to_string()))?;
        Ok(Self { secret, public: key.public_key().to_bytes() })
    }

    /// The secret key, 32 bytes.
    pub fn secret(&self) -> &[u8; 32] {
        &self.secret
    }

    /// The secret key as 64 hex digits, as programs take it from a file.
    pub fn secret_hex(&self) -> String {
        use hex_conservative::DisplayHex;
        self.secret.to_lower_hex_string()
    }

    /// A signer for `cosmrs`.
    pub fn signing_key(&self) -> SigningKey {
        SigningKey::from_slice(&self.secret).expect("the secret was checked when the account was made")
    }

    /// The account's bytes: RIPEMD-160 of SHA-256 of the compressed key.
    pub fn address_bytes(&self) -> [u8; 20] {
        address_of(&self.public)
    }

    /// The account's address with a chain's prefix.
    ///
    /// # Errors
    /// [`ChainError::Config`] when `prefix` cannot be one.
    pub fn address(&self, prefix: &str) -> Result<String, ChainError> {
        to_bech32(prefix, &self.address_bytes()).map_err(ChainError::Config)
    }
}

/// The address bytes of a compressed secp256k1 key.
pub(crate) fn address_of(public: &[u8]) -> [u8; 20] {
    bitcoin_hashes::hash160::Hash::hash(public).to_byte_array()
}

fn bip39_seed(words: &str) -> [u8; 64] {
    let mac = |data: &[&[u8]]| {
        let mut engine = HmacEngine::<sha512::Hash>::new(words.as_bytes());
        for part in data {
            engine.input(part);
        }
        Hmac::<sha512::Hash>::from_engine(engine).to_byte_array()
    };
    let mut block = mac(&[b"mnemonic", &1u32.to_be_bytes()]);
    let mut seed = block;
    for _ in 1..BIP39_ROUNDS {
        block = mac(&[&block]);
        for (s, b) in seed.iter_mut().zip(block) {
            *s ^= b;
        }
    }
    seed
}

/// Coins an address has at genesis.
#[derive(Clone, Debug)]
pub struct GenesisAccount {
    /// Who has them.
    pub address: String,
    /// What they are.
    pub coins: Vec<Coin>,
}

/// A validator at genesis.
#[derive(Clone, Debug)]
pub struct GenesisValidator {
    /// Its name; operator account and consensus key are derived from it and the chain id.
    pub moniker: String,
    /// Tokens it delegates to itself.
    pub self_bond: u128,
    /// Its commission in percent.
    pub commission_percent: u64,
}

#[cfg(test)]
mod tests {
    use super::*;
    use hex_conservative::DisplayHex;

    #[test]
    fn the_bip39_seed_is_that_of_the_standard() {
        let words =
            "abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon about";
        let seed = bip39_seed(words).to_lower_hex_string();
        assert!(seed.starts_with("5eb00bbddcf069084889a8ab9155568165f5c453ccb85e70811aaed6f6da5fc1"));
        let account = DevAccount::from_mnemonic(words).unwrap();
        assert_eq!(account.address("cosmos").unwrap(), "cosmos19rl4cm2hmr8afy4kldpxz3fka4jguq0auqdal4");
    }
}
