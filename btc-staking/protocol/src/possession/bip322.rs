//! BIP-322 *simple* signatures by the two address types that hold one key: P2WPKH, and P2TR spent by its key path
//! (BIP-86). Only `SIGHASH_ALL`, for taproot also `SIGHASH_DEFAULT`: with another type the signature would not
//! cover the message's transaction (trap B13). No script paths, no annex, no "full" format.

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use bitcoin_hashes::{Hash, HashEngine, hash160, sha256, sha256d, sha256t_hash_newtype};
use staking_crypto::ecdsa::{self, RecoverableSignature};
use staking_crypto::{Curve, Point, Scalar, XOnly, bip340};

use super::wire::{self, WireError};
use crate::header::Network;
use crate::tx::{OutPoint, ParseTxError, Reader, Sat, Transaction, TxIn, TxOut, Txid};

sha256t_hash_newtype! {
    struct MessageTag = hash_str("BIP0322-signed-message");
    struct MessageHash(_);

    struct TweakTag = hash_str("TapTweak");
    struct TweakHash(_);

    struct SighashTag = hash_str("TapSighash");
    struct TapSighash(_);
}

const SIGHASH_DEFAULT: u8 = 0;
const SIGHASH_ALL: u8 = 1;

/// A simple signature: the signing address and the witness of the virtual spend.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Simple {
    address: String,
    witness: Vec<Vec<u8>>,
}

impl Simple {
    /// Parses the address and the serialised witness stack.
    ///
    /// # Errors
    /// Refuses addresses that are not text, and bytes that are not exactly one witness stack.
    pub fn from_parts(address: &[u8], witness: &[u8]) -> Result<Self, Bip322Error> {
        let address = core::str::from_utf8(address).map_err(|_| Bip322Error::Address)?;
        Ok(Self { address: address.into(), witness: parse_witness(witness).map_err(Bip322Error::Witness)? })
    }

    /// Parses the protobuf message `BIP322Sig`.
    ///
    /// # Errors
    /// As [`Self::from_parts`], and for bytes that are not exactly this message.
    pub fn from_proto(raw: &[u8]) -> Result<Self, Bip322Error> {
        let (address, witness) = wire::bip322(raw).map_err(Bip322Error::Wire)?;
        Self::from_parts(address, witness)
    }

    /// Signing address as given.
    #[must_use]
    pub fn address(&self) -> &str {
        &self.address
    }

    /// Verifies a message, and that the signing address is one of the key.
    ///
    /// # Errors
    /// Refuses invalid signatures, addresses of another network or type, and addresses of another key.
    pub fn verify_by_key<C: Curve>(
        &self,
        curve: &C,
        key: &XOnly,
        message: &[u8],
        network: Network,
    ) -> Result<(), Bip322Error> {
        match self.verify_signature(curve, message, network)? {
            Signer::Hashed(found) if found.x_only() == *key => Ok(()),
            Signer::Taproot(output) if output == taproot_output_key(curve, key)? => Ok(()),
            Signer::Hashed(found) => Err(Bip322Error::OtherKey(found.x_only())),
            Signer::Taproot(output) => Err(Bip322Error::OtherKey(output)),
        }
    }

    /// Verifies a message by the signing address alone, whoever holds it.
    ///
    /// # Errors
    /// As [`Self::verify_by_key`], without the key.
    pub fn verify_message<C: Curve>(
        &self,
        curve: &C,
        message: &[u8],
        network: Network,
    ) -> Result<(), Bip322Error> {
        self.verify_signature(curve, message, network).map(|_| ())
    }

    fn verify_signature<C: Curve>(
        &self,
        curve: &C,
        message: &[u8],
        network: Network,
    ) -> Result<Signer, Bip322Error> {
        let program = Program::parse(&self.address, network)?;
        let to_spend = to_spend(message, &program.script());
        match (program, self.witness.as_slice()) {
            (Program::KeyHash(hash), [signature, public]) => {
                let public = key_of_hash(public, &hash)?;
                let (signature, sighash_type) = split_sighash(signature)?;
                if sighash_type != SIGHASH_ALL {
                    return Err(Bip322Error::SighashType(sighash_type));
                }
                let digest = segwit_sighash(to_spend.txid(), &hash);
                verify_ecdsa(curve, &public, &digest, signature).map(|()| Signer::Hashed(public))
            }
            (Program::Taproot(output), [signature]) => {
                verify_taproot(curve, &to_spend, &output, signature).map(|()| Signer::Taproot(output))
            }
            (_, witness) => Err(Bip322Error::WitnessItems(witness.len())),
        }
    }
}

/// Who made a valid signature.
enum Signer {
    Hashed(Point),
    Taproot(XOnly),
}

/// Witness program of an address that can sign here.
#[derive(Clone, Copy)]
enum Program {
    KeyHash([u8; 20]),
    Taproot(XOnly),
}

impl Program {
    fn parse(address: &str, network: Network) -> Result<Self, Bip322Error> {
        let (hrp, version, program) = bech32::segwit::decode(address).map_err(|_| Bip322Error::Address)?;
        if hrp.as_str() != network.address_hrp() {
            return Err(Bip322Error::Network { address: address.into(), network });
        }
        if address.bytes().any(|b| b.is_ascii_uppercase()) {
            return Err(Bip322Error::Address);
        }
        match version.to_u8() {
            0 => program.as_slice().try_into().map(Self::KeyHash).map_err(|_| Bip322Error::AddressType),
            1 => {
                let key: &[u8; 32] = program.as_slice().try_into().map_err(|_| Bip322Error::AddressType)?;
                XOnly::from_bytes(key).map(Self::Taproot).map_err(|_| Bip322Error::AddressType)
            }
            _ => Err(Bip322Error::AddressType),
        }
    }

    fn script(&self) -> Vec<u8> {
        match self {
            Self::KeyHash(hash) => [&[0x00, 0x14], hash.as_slice()].concat(),
            Self::Taproot(key) => [&[0x51, 0x20], key.as_bytes().as_slice()].concat(),
        }
    }
}

/// Virtual transaction that commits to a message and an address script.
#[must_use]
pub fn to_spend(message: &[u8], script: &[u8]) -> Transaction {
    let mut engine = MessageHash::engine();
    engine.input(message);
    let hash = MessageHash::from_engine(engine).to_byte_array();
    let script_sig = [&[0x00, 0x20], hash.as_slice()].concat();
    let input = TxIn { previous_output: OutPoint::NULL, script_sig, sequence: 0, witness: Vec::new() };
    Transaction {
        version: 0,
        inputs: alloc::vec![input],
        outputs: alloc::vec![TxOut::new(Sat(0), script)],
        lock_time: 0,
    }
}

/// Virtual transaction that a simple signature signs: it spends [`to_spend`] to an empty OP_RETURN.
#[must_use]
pub fn to_sign(to_spend: &Transaction) -> Transaction {
    let previous = OutPoint { txid: to_spend.txid(), vout: 0 };
    Transaction {
        version: 0,
        inputs: alloc::vec![TxIn::unsigned(previous, 0)],
        outputs: alloc::vec![TxOut::new(Sat(0), [0x6a])],
        lock_time: 0,
    }
}

/// Output key of the BIP-86 address of a key: tweaked without a script root.
///
/// # Errors
/// Refuses keys that are not on the curve.
pub fn taproot_output_key<C: Curve>(curve: &C, key: &XOnly) -> Result<XOnly, Bip322Error> {
    let mut engine = TweakHash::engine();
    engine.input(key.as_bytes());
    let tweak =
        Scalar::from_bytes(TweakHash::from_engine(engine).as_byte_array()).map_err(|_| Bip322Error::Key)?;
    curve.tweak_add(key, &tweak).map(|output| output.x_only()).map_err(|_| Bip322Error::Key)
}

fn verify_taproot<C: Curve>(
    curve: &C,
    to_spend: &Transaction,
    output: &XOnly,
    signature: &[u8],
) -> Result<(), Bip322Error> {
    let (signature, sighash_type) = match signature {
        [bytes @ .., last] if signature.len() == 65 && *last != SIGHASH_DEFAULT => (bytes, *last),
        _ => (signature, SIGHASH_DEFAULT),
    };
    if sighash_type > SIGHASH_ALL {
        return Err(Bip322Error::SighashType(sighash_type));
    }
    let bytes = signature.try_into().map_err(|_| Bip322Error::SignatureForm)?;
    let parsed = bip340::Signature::from_bytes(bytes).map_err(|_| Bip322Error::SignatureForm)?;
    let digest = taproot_sighash(to_spend, sighash_type);
    bip340::verify(curve, output, &digest, &parsed).map_err(|_| Bip322Error::Signature)
}

/// BIP-143 digest of the virtual spend of a P2WPKH output of value 0.
fn segwit_sighash(spent: Txid, key_hash: &[u8; 20]) -> [u8; 32] {
    let outpoint = OutPoint { txid: spent, vout: 0 }.to_bytes();
    let output = TxOut::new(Sat(0), [0x6a]).to_bytes();
    let mut engine = sha256d::Hash::engine();
    engine.input(&[0; 4]);
    engine.input(sha256d::Hash::hash(&outpoint).as_byte_array());
    engine.input(sha256d::Hash::hash(&[0; 4]).as_byte_array());
    engine.input(&outpoint);
    engine.input(&[0x19, 0x76, 0xa9, 0x14]);
    engine.input(key_hash);
    engine.input(&[0x88, 0xac]);
    engine.input(&[0; 12]);
    engine.input(sha256d::Hash::hash(&output).as_byte_array());
    engine.input(&[0; 4]);
    engine.input(&u32::from(SIGHASH_ALL).to_le_bytes());
    sha256d::Hash::from_engine(engine).to_byte_array()
}

/// BIP-341 key-path digest of the virtual spend.
fn taproot_sighash(to_spend: &Transaction, sighash_type: u8) -> [u8; 32] {
    let to_sign = to_sign(to_spend);
    let outpoint = OutPoint { txid: to_spend.txid(), vout: 0 }.to_bytes();
    let scripts: Vec<u8> = to_spend.outputs.iter().flat_map(TxOut::to_bytes).skip(8).collect();
    let outputs: Vec<u8> = to_sign.outputs.iter().flat_map(TxOut::to_bytes).collect();
    let mut engine = TapSighash::engine();
    engine.input(&[0, sighash_type]);
    engine.input(&[0; 8]);
    engine.input(sha256::Hash::hash(&outpoint).as_byte_array());
    engine.input(sha256::Hash::hash(&[0; 8]).as_byte_array());
    engine.input(sha256::Hash::hash(&scripts).as_byte_array());
    engine.input(sha256::Hash::hash(&[0; 4]).as_byte_array());
    engine.input(sha256::Hash::hash(&outputs).as_byte_array());
    engine.input(&[0; 5]);
    TapSighash::from_engine(engine).to_byte_array()
}

fn key_of_hash(public: &[u8], hash: &[u8; 20]) -> Result<Point, Bip322Error> {
    if hash160::Hash::hash(public).as_byte_array() != hash {
        return Err(Bip322Error::KeyHash);
    }
    let compressed = public.try_into().map_err(|_| Bip322Error::Key)?;
    Point::from_compressed(compressed).map_err(|_| Bip322Error::Key)
}

fn split_sighash(signature: &[u8]) -> Result<(&[u8], u8), Bip322Error> {
    signature.split_last().map(|(last, der)| (der, *last)).ok_or(Bip322Error::SignatureForm)
}

/// Verifies by recovery, the only ECDSA operation that every backend has: the key must be one of the two that
/// can have made the signature.
fn verify_ecdsa<C: Curve>(
    curve: &C,
    public: &Point,
    digest: &[u8; 32],
    der: &[u8],
) -> Result<(), Bip322Error> {
    let halves = parse_der(der).ok_or(Bip322Error::SignatureForm)?;
    for header in [27, 28] {
        let mut compact = [0; 65];
        compact.iter_mut().zip(core::iter::once(header).chain(halves)).for_each(|(to, from)| *to = from);
        let signature =
            RecoverableSignature::from_compact(&compact).map_err(|_| Bip322Error::SignatureForm)?;
        if ecdsa::recover(curve, digest, &signature).is_ok_and(|found| found == *public) {
            return Ok(());
        }
    }
    Err(Bip322Error::Signature)
}

/// Reads strict DER (BIP-66) to r ‖ s.
fn parse_der(der: &[u8]) -> Option<[u8; 64]> {
    let [0x30, len, body @ ..] = der else { return None };
    if usize::from(*len) != body.len() {
        return None;
    }
    let (r, rest) = der_integer(body)?;
    let (s, rest) = der_integer(rest)?;
    let mut out = [0; 64];
    out.iter_mut().zip(r.into_iter().chain(s)).for_each(|(to, from)| *to = from);
    rest.is_empty().then_some(out)
}

fn der_integer(bytes: &[u8]) -> Option<([u8; 32], &[u8])> {
    let [0x02, len, rest @ ..] = bytes else { return None };
    let (number, rest) = rest.split_at_checked(usize::from(*len))?;
    let digits = match number {
        [0x00, next @ ..] if next.first().is_some_and(|b| b & 0x80 != 0) => next,
        [first, ..] if first & 0x80 == 0 && (*first != 0 || number.len() == 1) => number,
        _ => return None,
    };
    let mut out = [0; 32];
    let start = out.len().checked_sub(digits.len())?;
    out.get_mut(start..)?.copy_from_slice(digits);
    Some((out, rest))
}

/// Reads a serialised witness stack; nothing may follow it.
fn parse_witness(raw: &[u8]) -> Result<Vec<Vec<u8>>, ParseTxError> {
    let mut reader = Reader::new(raw)?;
    let items = reader.compact_size()?;
    let mut out = Vec::new();
    for _ in 0..items {
        out.push(reader.var_bytes()?.to_vec());
    }
    reader.finish()?;
    Ok(out)
}

/// Why a BIP-322 signature was refused.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Bip322Error {
    /// Not the protobuf message.
    Wire(WireError),
    /// Not one witness stack.
    Witness(ParseTxError),
    /// Text is not a lower-case segwit address.
    Address,
    /// Address of another Bitcoin network.
    Network {
        /// Address given.
        address: String,
        /// Network in use.
        network: Network,
    },
    /// Neither P2WPKH nor P2TR.
    AddressType,
    /// Another number of witness items than the address type's single-key spend has.
    WitnessItems(usize),
    /// Key in the witness does not hash to the address.
    KeyHash,
    /// Key that is not on the curve.
    Key,
    /// Signature that does not cover everything.
    SighashType(u8),
    /// Malformed signature.
    SignatureForm,
    /// Invalid signature.
    Signature,
    /// Address of another key: the key, or for taproot the output key.
    OtherKey(XOnly),
}

impl fmt::Display for Bip322Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Wire(error) => error.fmt(f),
            Self::Witness(error) => write!(f, "witness: {error}"),
            Self::Address => f.write_str("signing address is not a segwit address"),
            Self::Network { address, network } => {
                write!(f, "signing address {address} is not one of {network}")
            }
            Self::AddressType => f.write_str("signing address is neither P2WPKH nor P2TR"),
            Self::WitnessItems(n) => write!(f, "{n} witness items are no single-key spend"),
            Self::KeyHash => f.write_str("key in the witness is not the address's"),
            Self::Key => f.write_str("key is not on the curve"),
            Self::SighashType(t) => write!(f, "sighash type {t:#04x} does not cover everything"),
            Self::SignatureForm => f.write_str("malformed signature"),
            Self::Signature => f.write_str("invalid signature"),
            Self::OtherKey(key) => write!(f, "signed by {key}"),
        }
    }
}

impl core::error::Error for Bip322Error {}
