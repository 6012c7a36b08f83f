//! From BIP-39 words to the keys of a holder: BIP-86 coins, and a staking key beside them.

use bitcoin::bip32::{ChildNumber, DerivationPath, Fingerprint, Xpriv, Xpub};
use bitcoin::secp256k1::Secp256k1;
use bitcoin::{Network, NetworkKind};
use staking_crypto::SecretKey;
use zeroize::Zeroizing;

/// Why words give no keys.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SeedError {
    /// The words are not a BIP-39 mnemonic.
    #[error("not a BIP-39 mnemonic: {0}")]
    Mnemonic(String),
    /// No key at a path (probability 2^-127).
    #[error("no key can be derived at {0}")]
    Derivation(String),
}

/// A holder's master key. It has no `Debug` and gives out what a caller needs for one purpose.
pub struct Seed {
    master: Xpriv,
    network: Network,
}

impl Seed {
    /// Takes words and derives the master key. There is no BIP-39 passphrase.
    ///
    /// # Errors
    /// [`SeedError::Mnemonic`].
    pub fn from_words(words: &str, network: Network) -> Result<Self, SeedError> {
        let mnemonic =
            bip39::Mnemonic::parse_normalized(words).map_err(|e| SeedError::Mnemonic(e.to_string()))?;
        let seed = Zeroizing::new(mnemonic.to_seed_normalized(""));
        Self::from_bytes(seed.as_slice(), network)
    }

    /// Takes 16 to 64 bytes of entropy.
    ///
    /// # Errors
    /// [`SeedError::Derivation`].
    pub fn from_bytes(seed: &[u8], network: Network) -> Result<Self, SeedError> {
        let master =
            Xpriv::new_master(network, seed).map_err(|e| SeedError::Derivation(format!("the root: {e}")))?;
        Ok(Self { master, network })
    }

    /// The network the keys are for.
    pub fn network(&self) -> Network {
        self.network
    }

    /// The master key, for signing PSBTs.
    pub fn master(&self) -> &Xpriv {
        &self.master
    }

    /// Public descriptors of the coins: receiving and change addresses (BIP-86).
    ///
    /// # Errors
    /// [`SeedError::Derivation`].
    pub fn descriptors(&self) -> Result<(String, String), SeedError> {
        let secp = Secp256k1::new();
        let path = self.account();
        let fingerprint: Fingerprint = self.master.fingerprint(&secp);
        let public = Xpub::from_priv(&secp, &self.derive(&path)?);
        let of = |keychain: u32| format!("tr([{fingerprint}/{path}]{public}/{keychain}/*)");
        Ok((of(0), of(1)))
    }

    /// The staking key of an index, at `account/2/index`: never used for coins, so that a leaf signature can never be
    /// mistaken for one of a coin.
    ///
    /// # Errors
    /// [`SeedError::Derivation`].
    pub fn staking_key(&self, index: u32) -> Result<SecretKey, SeedError> {
        let tail = [ChildNumber::Normal { index: 2 }, ChildNumber::Normal { index }];
        let key = self.derive(&self.account().extend(tail))?;
        let secret = Zeroizing::new(key.private_key.secret_bytes());
        SecretKey::from_bytes(&secret).map_err(|e| SeedError::Derivation(e.to_string()))
    }

    fn account(&self) -> DerivationPath {
        let coin = u32::from(NetworkKind::from(self.network) != NetworkKind::Main);
        let hardened = |index| ChildNumber::Hardened { index };
        DerivationPath::from(vec![hardened(86), hardened(coin), hardened(0)])
    }

    fn derive(&self, path: &DerivationPath) -> Result<Xpriv, SeedError> {
        self.master
            .derive_priv(&Secp256k1::signing_only(), path)
            .map_err(|_| SeedError::Derivation(path.to_string()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WORDS: &str =
        "abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon about";

    /// BIP-86's own test vector: account xpub of the well-known words.
    #[test]
    fn the_coins_are_those_of_bip_86() {
        let (receive, change) = Seed::from_words(WORDS, Network::Bitcoin).unwrap().descriptors().unwrap();
        let account = "xpub6BgBgsespWvERF3LHQu6CnqdvfEvtMcQjYrcRzx53QJjSxarj2afYWcLteoGVky7D3UKDP9QyrLprQ3VCECoY49yfdDEHGCtMMj92pReUsQ";
        assert_eq!(receive, format!("tr([73c5da0a/86'/0'/0']{account}/0/*)"));
        assert_eq!(change, format!("tr([73c5da0a/86'/0'/0']{account}/1/*)"));
    }

    #[test]
    fn staking_keys_differ_by_index_and_network() {
        let main = Seed::from_words(WORDS, Network::Bitcoin).unwrap();
        let test = Seed::from_words(WORDS, Network::Regtest).unwrap();
        let keys = [main.staking_key(0), main.staking_key(1), test.staking_key(0)];
        let keys: Vec<_> = keys.into_iter().map(|k| k.unwrap().x_only()).collect();
        assert!(keys[0] != keys[1] && keys[0] != keys[2]);
    }
}
