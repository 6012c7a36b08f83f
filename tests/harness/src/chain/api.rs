//! Addresses of one chain (bech32 with its own prefix) and the crypto a contract asks its host for.

use bech32::primitives::decode::CheckedHrpstring;
use bech32::{Bech32, Hrp};
use cosmwasm_std::testing::MockApi;
use cosmwasm_std::{
    Addr, Api, CanonicalAddr, HashFunction, RecoverPubkeyError, StdError, StdResult, VerificationError,
};

/// Longest address the Cosmos SDK takes, in bytes.
const MAX_ADDRESS: usize = 255;

/// Writes `bytes` as an address with `prefix`.
///
/// # Errors
/// When `prefix` cannot be a bech32 prefix or `bytes` is too long.
pub fn to_bech32(prefix: &str, bytes: &[u8]) -> Result<String, String> {
    let hrp = Hrp::parse(prefix).map_err(|e| format!("prefix `{prefix}`: {e}"))?;
    bech32::encode::<Bech32>(hrp, bytes).map_err(|e| e.to_string())
}

/// Reads an address that must carry `prefix`.
///
/// # Errors
/// A text in the SDK's manner when it is no such address.
pub fn from_bech32(prefix: &str, address: &str) -> Result<Vec<u8>, String> {
    let parsed = CheckedHrpstring::new::<Bech32>(address)
        .map_err(|e| format!("decoding bech32 failed: {address}: {e}"))?;
    let hrp = parsed.hrp();
    if hrp.as_str() != prefix {
        return Err(format!("invalid Bech32 prefix; expected {prefix}, got {hrp}"));
    }
    let bytes: Vec<u8> = parsed.byte_iter().collect();
    if bytes.is_empty() || bytes.len() > MAX_ADDRESS {
        return Err(format!("address {address} has {} bytes", bytes.len()));
    }
    Ok(bytes)
}

/// The host functions of a chain with a given address prefix.
#[derive(Clone)]
pub(crate) struct ChainApi {
    prefix: String,
    crypto: MockApi,
}

impl ChainApi {
    pub(crate) fn new(prefix: &str) -> Self {
        Self { prefix: prefix.to_owned(), crypto: MockApi::default() }
    }

    /// The address of a module account: the first 20 bytes of the hash of its name.
    pub(crate) fn module_address(&self, name: &str) -> StdResult<Addr> {
        use bitcoin_hashes::{Hash, sha256};
        let hash = sha256::Hash::hash(name.as_bytes()).to_byte_array();
        self.humanize(hash.get(..20).unwrap_or_default())
    }

    fn humanize(&self, bytes: &[u8]) -> StdResult<Addr> {
        to_bech32(&self.prefix, bytes).map(Addr::unchecked).map_err(StdError::msg)
    }
}

impl Api for ChainApi {
    fn addr_validate(&self, human: &str) -> StdResult<Addr> {
        let bytes = from_bech32(&self.prefix, human).map_err(StdError::msg)?;
        let normal = self.humanize(&bytes)?;
        if normal.as_str() != human {
            return Err(StdError::msg("Invalid input: address not normalized"));
        }
        Ok(normal)
    }

    fn addr_canonicalize(&self, human: &str) -> StdResult<CanonicalAddr> {
        from_bech32(&self.prefix, human).map(Into::into).map_err(StdError::msg)
    }

    fn addr_humanize(&self, canonical: &CanonicalAddr) -> StdResult<Addr> {
        self.humanize(canonical.as_slice())
    }

    fn secp256k1_verify(&self, hash: &[u8], signature: &[u8], key: &[u8]) -> Result<bool, VerificationError> {
        self.crypto.secp256k1_verify(hash, signature, key)
    }

    fn secp256k1_recover_pubkey(
        &self,
        hash: &[u8],
        signature: &[u8],
        parity: u8,
    ) -> Result<Vec<u8>, RecoverPubkeyError> {
        self.crypto.secp256k1_recover_pubkey(hash, signature, parity)
    }

    fn bls12_381_aggregate_g1(&self, g1s: &[u8]) -> Result<[u8; 48], VerificationError> {
        self.crypto.bls12_381_aggregate_g1(g1s)
    }

    fn bls12_381_aggregate_g2(&self, g2s: &[u8]) -> Result<[u8; 96], VerificationError> {
        self.crypto.bls12_381_aggregate_g2(g2s)
    }

    fn bls12_381_pairing_equality(
        &self,
        ps: &[u8],
        qs: &[u8],
        r: &[u8],
        s: &[u8],
    ) -> Result<bool, VerificationError> {
        self.crypto.bls12_381_pairing_equality(ps, qs, r, s)
    }

    fn bls12_381_hash_to_g1(
        &self,
        function: HashFunction,
        msg: &[u8],
        dst: &[u8],
    ) -> Result<[u8; 48], VerificationError> {
        self.crypto.bls12_381_hash_to_g1(function, msg, dst)
    }

    fn bls12_381_hash_to_g2(
        &self,
        function: HashFunction,
        msg: &[u8],
        dst: &[u8],
    ) -> Result<[u8; 96], VerificationError> {
        self.crypto.bls12_381_hash_to_g2(function, msg, dst)
    }

    fn ed25519_verify(
        &self,
        message: &[u8],
        signature: &[u8],
        key: &[u8],
    ) -> Result<bool, VerificationError> {
        self.crypto.ed25519_verify(message, signature, key)
    }

    fn ed25519_batch_verify(
        &self,
        messages: &[&[u8]],
        signatures: &[&[u8]],
        keys: &[&[u8]],
    ) -> Result<bool, VerificationError> {
        self.crypto.ed25519_batch_verify(messages, signatures, keys)
    }

    fn debug(&self, message: &str) {
        self.crypto.debug(message);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_of_another_chain_is_refused() {
        let api = ChainApi::new("mesh");
        let mine = api.addr_humanize(&CanonicalAddr::from(vec![7u8; 32])).unwrap();
        assert_eq!(api.addr_validate(mine.as_str()).unwrap(), mine);
        let other = to_bech32("cons", &[7; 32]).unwrap();
        assert!(api.addr_validate(&other).is_err());
        assert!(api.addr_validate(&mine.as_str().to_uppercase()).is_err());
    }
}
