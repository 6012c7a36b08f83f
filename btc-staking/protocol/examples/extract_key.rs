//! A provider votes twice at one height: anyone finds its key and completes the covenant's slashing signature.
//!
//! `cargo run -p staking-protocol --example extract_key`

use staking_crypto::adaptor::{self, EncryptionKey};
use staking_crypto::curve::Libsecp;
use staking_crypto::{OneTimeNonce, SecretKey, bip340, eots};
use staking_protocol::keys::{CovenantKey, ProviderKey, Providers};
use staking_protocol::tx::witness::LeakedKey;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let (provider, member) = (SecretKey::from_bytes(&[20; 32])?, SecretKey::from_bytes(&[1; 32])?);
    let (provider_key, member_key) =
        (ProviderKey::from(provider.x_only()), CovenantKey::from(member.x_only()));

    // At registration a covenant member signs the slashing transaction, encrypted to the provider's key.
    let slashing_sighash = [0x42; 32];
    let encryption = EncryptionKey::from_x_only(provider_key.x_only())?;
    let presigned = adaptor::sign(&member, &encryption, &slashing_sighash, &[0; 32])?;

    // Two votes under one committed nonce.
    let nonce = || OneTimeNonce::derive(&provider, b"chain-1", 7);
    let randomness = nonce().public();
    let (a, b) = (eots::sign(nonce(), &provider, b"block a")?, eots::sign(nonce(), &provider, b"block b")?);

    // Anyone: extract, check, complete.
    let votes = ((&b"block a"[..], &a), (&b"block b"[..], &b));
    let secret = eots::extract(&Libsecp, provider_key.x_only(), &randomness, votes.0, votes.1)?;
    let leaked = LeakedKey::check(&Libsecp, provider_key, secret)?;
    let completed = leaked.decrypt(&Providers::single(provider_key), &[(member_key, vec![presigned])])?;
    for (key, signature) in &completed {
        bip340::verify(&Libsecp, key.x_only(), &slashing_sighash, signature)?;
        println!("covenant member {key} has now signed the slashing transaction");
    }
    Ok(())
}
