//! The 19 test vectors of BIP-340 (`bip340_vectors.csv`: the rows of the BIP's own table).
#![allow(clippy::unwrap_used, clippy::panic, reason = "test helpers")]

use hex_conservative::FromHex;
use staking_crypto::curve::{Libsecp, Pure};
use staking_crypto::{Curve, SecretKey, XOnly, bip340};

struct Row {
    index: String,
    secret: Option<[u8; 32]>,
    public: [u8; 32],
    aux: Option<[u8; 32]>,
    message: Vec<u8>,
    signature: [u8; 64],
    valid: bool,
}

fn rows() -> Vec<Row> {
    let rows: Vec<_> = include_str!("bip340_vectors.csv").lines().skip(1).map(row).collect();
    assert_eq!(rows.len(), 19);
    rows
}

fn row(line: &str) -> Row {
    let mut fields = line.split(',').map(str::to_owned);
    let mut next = || fields.next().expect("seven fields");
    Row {
        index: next(),
        secret: FromHex::from_hex(&next()).ok(),
        public: FromHex::from_hex(&next()).unwrap(),
        aux: FromHex::from_hex(&next()).ok(),
        message: Vec::from_hex(&next()).unwrap(),
        signature: FromHex::from_hex(&next()).unwrap(),
        valid: next() == "TRUE",
    }
}

fn accepts(curve: &dyn Curve, row: &Row) -> bool {
    let Ok(public) = XOnly::from_bytes(&row.public) else { return false };
    let Ok(signature) = bip340::Signature::from_bytes(&row.signature) else { return false };
    bip340::verify(&curve, &public, &row.message, &signature).is_ok()
}

#[test]
fn every_verification_row_holds_on_every_backend() {
    for row in rows() {
        for curve in [&Pure as &dyn Curve, &Libsecp] {
            assert_eq!(accepts(curve, &row), row.valid, "row {}", row.index);
        }
    }
}

#[test]
fn every_signing_row_with_a_digest_is_reproduced() {
    let mut signed = 0;
    for row in rows() {
        let (Some(secret), Some(aux), Ok(digest)) = (row.secret, row.aux, row.message.as_slice().try_into())
        else {
            continue;
        };
        let key = SecretKey::from_bytes(&secret).unwrap();
        assert_eq!(key.x_only().to_bytes(), row.public);
        assert_eq!(bip340::sign(&key, digest, &aux).to_bytes(), row.signature, "row {}", row.index);
        signed += 1;
    }
    assert_eq!(signed, 4);
}
