//! The signature schemes.

use staking_crypto::curve::{KnownKeys, Libsecp};
use staking_crypto::nonce::NonceRange;
use staking_crypto::{OneTimeNonce, SecretKey, XOnly, adaptor, bip340, eots};

use super::{Entry, Op, SOUND, pool, rotate};

pub(super) const OPS: &[Entry] = &[
    ("schnorr-verify", schnorr_verify),
    ("schnorr-sign", schnorr_sign),
    ("eots-sign", eots_sign),
    ("eots-sign-fresh", eots_sign_fresh),
    ("eots-verify", eots_verify),
    ("eots-extract", eots_extract),
    ("adaptor-sign", adaptor_sign),
    ("adaptor-verify", adaptor_verify),
];

pub(super) fn key(seed: u8) -> SecretKey {
    SecretKey::from_bytes(&[seed; 32]).expect(SOUND)
}

fn digest(seed: u8) -> [u8; 32] {
    [seed ^ 0xa5; 32]
}

fn schnorr_verify() -> Op {
    let inputs = pool(|seed| {
        let signature = bip340::sign(&key(seed), &digest(seed), &[seed; 32]);
        (key(seed).x_only().to_bytes(), digest(seed), signature.to_bytes())
    });
    rotate(inputs, |(public, digest, signature)| {
        let public = XOnly::from_bytes(public).expect(SOUND);
        let signature = bip340::Signature::from_bytes(signature).expect(SOUND);
        bip340::verify(&Libsecp, &public, digest, &signature).expect(SOUND);
    })
}

fn schnorr_sign() -> Op {
    rotate(pool(|seed| (key(seed), digest(seed))), |(key, digest)| bip340::sign(key, digest, &[0; 32]))
}

/// As a provider votes: the point of the nonce is known since the commitment.
fn eots_sign() -> Op {
    let committed = |seed| {
        let key = key(seed);
        let range = NonceRange::derive(&key, b"bench-1", 100, 64);
        (key, range, 100 + u64::from(seed))
    };
    rotate(pool(committed), |(key, range, height)| {
        let nonce = range.nonce(key, *height).expect(SOUND);
        eots::sign(nonce, key, b"a height and an app hash: 40 bytes long.").expect(SOUND)
    })
}

/// With a nonce that was never seen: its point is computed.
fn eots_sign_fresh() -> Op {
    rotate(pool(|seed| (key(seed), [seed ^ 0x77; 32])), |(key, nonce)| {
        let nonce = OneTimeNonce::from_bytes(nonce).expect(SOUND);
        eots::sign(nonce, key, b"a height and an app hash: 40 bytes long.").expect(SOUND)
    })
}

struct Vote {
    public: [u8; 32],
    randomness: [u8; 32],
    messages: [[u8; 40]; 2],
    signatures: [[u8; 32]; 2],
}

fn vote(seed: u8) -> Vote {
    let key = key(seed);
    let nonce = || OneTimeNonce::derive(&key, b"bench-1", u64::from(seed));
    let messages = [[seed; 40], [seed ^ 0xff; 40]];
    let sign = |message: &[u8; 40]| eots::sign(nonce(), &key, message).expect(SOUND).to_bytes();
    Vote {
        public: key.x_only().to_bytes(),
        randomness: nonce().public().to_bytes(),
        signatures: messages.each_ref().map(sign),
        messages,
    }
}

/// Providers in force vote at every height, so their keys are precomputed.
fn eots_verify() -> Op {
    let votes = pool(vote);
    let keys = votes.iter().map(|vote| XOnly::from_bytes(&vote.public).expect(SOUND));
    let curve = KnownKeys::new(keys).expect(SOUND);
    rotate(votes, move |vote| {
        let public = XOnly::from_bytes(&vote.public).expect(SOUND);
        let randomness = XOnly::from_bytes(&vote.randomness).expect(SOUND);
        let signature = eots::Signature::from_bytes(&vote.signatures[0]).expect(SOUND);
        eots::verify(&curve, &public, &randomness, &vote.messages[0], &signature).expect(SOUND);
    })
}

fn eots_extract() -> Op {
    rotate(pool(vote), |vote| {
        let public = XOnly::from_bytes(&vote.public).expect(SOUND);
        let randomness = XOnly::from_bytes(&vote.randomness).expect(SOUND);
        let [first, second] =
            vote.signatures.each_ref().map(|bytes| eots::Signature::from_bytes(bytes).expect(SOUND));
        let (first, second) = ((&vote.messages[0][..], &first), (&vote.messages[1][..], &second));
        eots::extract(&Libsecp, &public, &randomness, first, second).expect(SOUND)
    })
}

struct Locked {
    key: SecretKey,
    provider: [u8; 32],
    digest: [u8; 32],
    signature: [u8; 65],
}

fn locked(seed: u8) -> Locked {
    let (key, provider) = (key(seed), key(seed ^ 0x80).x_only());
    let encryption = adaptor::EncryptionKey::from_x_only(&provider).expect(SOUND);
    let signature = adaptor::sign(&key, &encryption, &digest(seed), &[seed; 32]).expect(SOUND);
    Locked { key, provider: provider.to_bytes(), digest: digest(seed), signature: signature.to_bytes() }
}

fn encryption(provider: &[u8; 32]) -> adaptor::EncryptionKey {
    let provider = XOnly::from_bytes(provider).expect(SOUND);
    adaptor::EncryptionKey::lift(&Libsecp, &provider).expect(SOUND)
}

/// One member signs for many providers.
fn adaptor_sign() -> Op {
    let member = key(0xc0);
    rotate(pool(locked), move |input| {
        let encryption = encryption(&input.provider);
        adaptor::sign(&member, &encryption, &input.digest, &[7; 32]).expect(SOUND)
    })
}

fn adaptor_verify() -> Op {
    let inputs = pool(|seed| {
        let Locked { key, provider, digest, signature } = locked(seed);
        (key.x_only().to_bytes(), provider, digest, signature)
    });
    rotate(inputs, |(public, provider, digest, signature)| {
        let public = XOnly::from_bytes(public).expect(SOUND);
        let signature = adaptor::AdaptorSignature::from_bytes(signature).expect(SOUND);
        adaptor::verify(&Libsecp, &public, &encryption(provider), digest, &signature).expect(SOUND);
    })
}
