//! Stakers, members and providers: who makes what the contracts are told.

use anyhow::Result;
use staking_api::finality::Vote;
use staking_api::staking::{
    CovenantSignatures, PossessionKind, PreSignedTransactions, ProofOfPossession, RegisterDelegation,
};
use staking_api::{Binary, Hash32, Key, Txid};
use staking_crypto::adaptor::{self, EncryptionKey};
use staking_crypto::curve::Libsecp;
use staking_crypto::{OneTimeNonce, SecretKey, bip340, eots};
use staking_protocol::context::Domain;
use staking_protocol::delegation::{Presigned, StakeTerms, derive};
use staking_protocol::finality::merkle::{MerkleProof, root};
use staking_protocol::finality::randomness::signed_digest;
use staking_protocol::finality::vote::vote_message;
use staking_protocol::keys::{ProviderKey, Providers, StakerKey, Stakers};
use staking_protocol::params::Params;
use staking_protocol::possession::{ChainAddress, bip340_digest};
use staking_protocol::script::StakingPath;
use staking_protocol::timelock::StakingTime;
use staking_protocol::tx::{OutPoint, Sat, StakingTx, Transaction, TxIn, TxOut};

use crate::gas::SOUND;

/// Whose key it is.
#[derive(Clone, Copy)]
#[repr(u8)]
pub(crate) enum Role {
    Member = 0xc0,
    Staker = 0x51,
    Provider = 0x52,
}

/// A secret key of a role, by number.
pub(crate) fn secret(role: Role, number: u32) -> SecretKey {
    let mut bytes = [role as u8; 32];
    for (to, from) in bytes.iter_mut().rev().zip(number.to_le_bytes()) {
        *to = from;
    }
    SecretKey::from_bytes(&bytes).expect(SOUND)
}

/// The public half, as messages carry it.
pub(crate) fn public(key: &SecretKey) -> Key {
    key.x_only().to_bytes().into()
}

fn schnorr(key: &SecretKey, digest: &[u8; 32]) -> Binary {
    Binary(bip340::sign(key, digest, &[0; 32]).to_bytes().to_vec())
}

/// A proof of possession for an address.
pub(crate) fn possession(key: &SecretKey, domain: &Domain, address: &str) -> Result<ProofOfPossession> {
    let address = ChainAddress::parse(address)?;
    let signature = schnorr(key, &bip340_digest(domain, address.raw()));
    Ok(ProofOfPossession { kind: PossessionKind::Bip340, signature })
}

/// A finality provider's randomness for a range of heights, and the signed commitment to it.
pub(crate) struct Randomness {
    context: Vec<u8>,
    /// First height.
    pub(crate) start: u64,
    leaves: Vec<[u8; 32]>,
    pub(crate) commitment: Hash32,
    pub(crate) signature: Binary,
}

impl Randomness {
    pub(crate) fn new(key: &SecretKey, domain: &Domain, start: u64, count: u32) -> Self {
        let context = domain.prefix().to_vec();
        let values = staking_crypto::nonce::public_randomness(key, &context, start, count);
        let leaves: Vec<_> = values.iter().map(|value| value.to_bytes()).collect();
        let root = root(leaves.iter().copied());
        let signature = schnorr(key, &signed_digest(domain, start, u64::from(count), &root));
        Self { context, start, leaves, commitment: root.into(), signature }
    }

    pub(crate) fn count(&self) -> u64 {
        self.leaves.len() as u64
    }

    /// Signs a vote.
    pub(crate) fn vote(
        &self,
        key: &SecretKey,
        domain: &Domain,
        height: u64,
        app_hash: [u8; 32],
    ) -> Result<Vote> {
        let index = height - self.start;
        let proof = MerkleProof::build(&self.leaves, index).expect(SOUND);
        let nonce = OneTimeNonce::derive(key, &self.context, height);
        let signature = eots::sign(nonce, key, &vote_message(domain, height, &app_hash))?;
        let pub_rand = self.leaves[usize::try_from(index)?].into();
        Ok(Vote {
            height,
            app_hash: app_hash.into(),
            pub_rand,
            proof: Binary(proof.aunts.concat()),
            signature: signature.to_bytes().into(),
        })
    }
}

/// A stake as its owner knows it.
pub(crate) struct Stake {
    pub(crate) staker: SecretKey,
    pub(crate) terms: StakeTerms,
    pub(crate) tx: Transaction,
    pub(crate) presigned: Presigned,
}

impl Stake {
    /// Plans a stake of a staker, by number, with providers. One input and a change output, as wallets make.
    pub(crate) fn plan(params: &Params, number: u32, fps: &[Key], value: u64, time: u16) -> Result<Self> {
        let staker = secret(Role::Staker, number);
        let providers: Result<Vec<_>, _> =
            fps.iter().map(|fp| ProviderKey::from_bytes(fp.as_bytes())).collect();
        let terms = StakeTerms {
            stakers: Stakers::single(StakerKey::from(staker.x_only())),
            providers: Providers::new(providers?)?,
            staking_time: StakingTime::new(u32::from(time))?,
            value: Sat(value),
        };
        let scripts = terms.scripts(&Libsecp, params)?;
        let mut funding = [0x77; 32];
        funding[..4].copy_from_slice(&number.to_le_bytes());
        let funding = OutPoint { txid: staking_protocol::tx::Txid(funding), vout: 1 };
        let inputs = vec![TxIn::unsigned(funding, TxIn::SEQUENCE_FINAL)];
        let change = TxOut::new(Sat(50_000), [&[0x51, 0x20][..], &[7; 32]].concat());
        let staking = StakingTx::build(&scripts.staking.pk_script(), Sat(value), inputs, vec![change])?;
        let presigned = derive(&Libsecp, params, &terms, staking.outpoint())?;
        Ok(Self { staker, terms, tx: staking.transaction().clone(), presigned })
    }

    /// Staking txid.
    pub(crate) fn txid(&self) -> Txid {
        self.tx.txid().0.into()
    }

    /// The message that registers it; the other transactions follow from it.
    pub(crate) fn registration(&self, pop: ProofOfPossession) -> RegisterDelegation {
        let hashes = self.presigned.sighashes();
        RegisterDelegation {
            staker_pk: public(&self.staker),
            pop,
            fp_pks: self.terms.providers.keys().iter().map(|fp| fp.to_bytes().into()).collect(),
            staking_time: self.terms.staking_time.blocks(),
            staking_value_sat: self.terms.value.0,
            staking_tx: Binary(self.tx.serialize_stripped()),
            slashing_signature: schnorr(&self.staker, &hashes.slashing.0),
            unbonding_slashing_signature: schnorr(&self.staker, &hashes.unbonding_slashing.0),
            inclusion: None,
            transactions: None,
            expansion: None,
            multisig: None,
        }
    }

    /// The transactions that follow from it, to be sent all the same.
    pub(crate) fn transactions(&self) -> PreSignedTransactions {
        let raw = |tx: &Transaction| Binary(tx.serialize_stripped());
        PreSignedTransactions {
            slashing_tx: raw(self.presigned.slashing().transaction()),
            unbonding_tx: raw(self.presigned.unbonding().transaction()),
            unbonding_slashing_tx: raw(self.presigned.unbonding_slashing().transaction()),
            unbonding_time: None,
            unbonding_value_sat: None,
        }
    }

    /// One member's signatures.
    pub(crate) fn covenant(&self, member: &SecretKey) -> Result<CovenantSignatures> {
        let hashes = self.presigned.sighashes();
        let adaptors = |digest: &[u8; 32]| -> Result<Vec<Binary>> {
            let keys = self.terms.providers.keys().iter();
            keys.map(|fp| {
                let encryption = EncryptionKey::from_x_only(fp.x_only())?;
                let signature = adaptor::sign(member, &encryption, digest, &[1; 32])?;
                Ok(Binary(signature.to_bytes().to_vec()))
            })
            .collect()
        };
        Ok(CovenantSignatures {
            txid: self.txid(),
            slashing: adaptors(&hashes.slashing.0)?,
            unbonding: schnorr(member, &hashes.unbonding.0),
            unbonding_slashing: adaptors(&hashes.unbonding_slashing.0)?,
            expansion: None,
        })
    }

    /// The unbonding transaction with the signatures of the staker and of a quorum.
    pub(crate) fn unbonding(&self, members: &[SecretKey], quorum: usize) -> Transaction {
        let scripts = self.presigned.scripts();
        let digest = self.presigned.sighashes().unbonding;
        let sign = |key: &SecretKey| bip340::sign(key, &digest.0, &[0; 32]).to_bytes().to_vec();
        // Slots are in descending order of keys, the committee in ascending order.
        let mut sorted: Vec<_> = members.iter().collect();
        sorted.sort_by_key(|key| std::cmp::Reverse(key.x_only().to_bytes()));
        let slots = (0..).zip(sorted);
        let mut witness: Vec<_> =
            slots.map(|(n, key)| if n < quorum { sign(key) } else { Vec::new() }).collect();
        witness.push(sign(&self.staker));
        witness.push(scripts.staking.leaf(StakingPath::Unbonding).script().to_vec());
        witness.push(scripts.staking.control_block(StakingPath::Unbonding));
        self.presigned.unbonding().with_witness(witness)
    }
}
