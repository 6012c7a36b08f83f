//! Evidence, one record a provider: who has one is slashed. The secret key is not stored; it follows from the
//! messages, or was itself the proof.

use contract_host::pack::{CorruptState, Unpack, put_long_bytes, put_number};
use contract_host::store;
use cosmwasm_std::Storage;
use staking_api::Key;

use super::consumer::Number;
use super::votes::Ballot;
use super::{key, prefix};
use crate::error::FinalityError;

/// What convicted a provider.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Proof {
    /// Two votes at one height of a consumer.
    Votes { number: Number, height: u64, pub_rand: [u8; 32], first: Ballot, second: Ballot },
    /// Any two messages, with their signatures.
    Messages { pub_rand: [u8; 32], first: (Vec<u8>, [u8; 32]), second: (Vec<u8>, [u8; 32]) },
    /// The secret key.
    Key([u8; 32]),
}

/// A stored conviction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Conviction {
    /// Hub height of the slashing.
    pub(crate) hub_height: u64,
    pub(crate) proof: Proof,
}

fn evidence_key(fp: &Key) -> Vec<u8> {
    key(prefix::EVIDENCE, &[fp.as_bytes()])
}

/// Whether the provider is slashed.
pub(crate) fn is_slashed(storage: &dyn Storage, fp: &Key) -> bool {
    store::exists(storage, &evidence_key(fp))
}

impl Conviction {
    pub(crate) fn load(storage: &dyn Storage, fp: &Key) -> Result<Option<Self>, CorruptState> {
        store::read(storage, &evidence_key(fp)).map(|raw| Self::unpack(&raw)).transpose()
    }

    pub(crate) fn save(&self, storage: &mut dyn Storage, fp: &Key) -> Result<(), FinalityError> {
        let mut raw = Vec::with_capacity(192);
        put_number(&mut raw, self.hub_height);
        match &self.proof {
            Proof::Votes { number, height, pub_rand, first, second } => {
                raw.push(0);
                raw.extend_from_slice(&number.bytes());
                put_number(&mut raw, *height);
                for part in [pub_rand, &first.app_hash, &first.signature, &second.app_hash, &second.signature]
                {
                    raw.extend_from_slice(part);
                }
            }
            Proof::Messages { pub_rand, first, second } => {
                raw.push(1);
                raw.extend_from_slice(pub_rand);
                for (message, signature) in [first, second] {
                    raw.extend_from_slice(signature);
                    put_long_bytes(&mut raw, message)?;
                }
            }
            Proof::Key(secret) => {
                raw.push(2);
                raw.extend_from_slice(secret);
            }
        }
        storage.set(&evidence_key(fp), &raw);
        Ok(())
    }

    fn unpack(raw: &[u8]) -> Result<Self, CorruptState> {
        let mut f = Unpack::new("evidence", raw);
        let hub_height = f.number()?;
        let proof = match f.u8()? {
            0 => {
                let (number, height, pub_rand) = (Number(f.u16()?), f.number()?, f.array()?);
                let first = Ballot { app_hash: f.array()?, signature: f.array()? };
                let second = Ballot { app_hash: f.array()?, signature: f.array()? };
                Proof::Votes { number, height, pub_rand, first, second }
            }
            1 => {
                let pub_rand = f.array()?;
                let mut message = || -> Result<_, CorruptState> {
                    let signature = f.array()?;
                    Ok((f.long_bytes()?.to_vec(), signature))
                };
                Proof::Messages { pub_rand, first: message()?, second: message()? }
            }
            2 => Proof::Key(f.array()?),
            _ => return Err(CorruptState("evidence")),
        };
        Ok(Self { hub_height, proof })
    }

    /// Convictions in order of key.
    pub(crate) fn page(
        storage: &dyn Storage,
        after: Option<&Key>,
        limit: usize,
    ) -> Result<Vec<(Key, Self)>, CorruptState> {
        let after = after.map(|key| &key.as_bytes()[..]);
        let records = store::page(storage, &[prefix::EVIDENCE], after, limit);
        let parsed = records.map(|(key, raw)| {
            let key: [u8; 32] = key.try_into().map_err(|_| CorruptState("evidence"))?;
            Ok((Key::from_bytes(key), Self::unpack(&raw)?))
        });
        parsed.collect()
    }
}
