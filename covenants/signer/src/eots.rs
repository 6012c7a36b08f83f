//! The EOTS role: commit randomness, sign votes behind the guard, record before release.

use crate::ledger::{Ledger, LedgerError};
use crate::server::{Handler, refused};
use staking_api::signer::{
    Answer, Ask, Commit, Committed, Domain, Possessed, Possession, Refused, SignedVote, Status, Vote,
    VoteAnswer, Voted, Votes, Watermark,
};
use staking_crypto::nonce::{NonceRange, public_randomness};
use staking_crypto::{OneTimeNonce, SecretKey, bip340, eots};
use staking_protocol::context::{Domain as Context, Purpose};
use staking_protocol::finality::guard::{self, History, Record, Request, Verdict};
use staking_protocol::finality::merkle::{CommitmentTree, MerkleProof};
use staking_protocol::finality::randomness::RandomnessCommitment;
use staking_protocol::finality::vote::vote_message;
use staking_protocol::possession::{ChainAddress, bip340_digest};
use std::collections::BTreeMap;

/// Largest commitment made at once.
const MAX_COMMIT: u64 = 1_000_000;
/// Commitment trees kept in memory; older ones are derived anew when needed.
const TREES: usize = 8;

/// A finality provider's key, ledger and the trees it recently used.
pub(crate) struct Eots {
    key: SecretKey,
    ledger: Ledger,
    max_jump: u64,
    trees: BTreeMap<TreeKey, CommitmentTree>,
    /// The chunk of each context in which votes are: its randomness is computed once, not at every vote.
    chunks: BTreeMap<Vec<u8>, NonceRange>,
    refused: u64,
}

type TreeKey = (Vec<u8>, u64, u64);

/// What one consumer and contract make of a key: separate nonces, separate records.
struct Use {
    nonce_context: Vec<u8>,
    record: [u8; 64],
    vote: Context,
    commit: Context,
}

impl Use {
    fn of(domain: Option<Domain>) -> Result<Self, Refused> {
        let domain = domain.filter(|d| !d.consumer.is_empty() && !d.contract.is_empty());
        let domain = domain.ok_or_else(|| refused("BAD_REQUEST", "consumer and contract must be named"))?;
        let Domain { consumer, contract } = domain;
        let vote = staking_protocol::context::Context::v0(Purpose::FinalityVote, &consumer, &contract);
        Ok(Self {
            // The vote context names consumer and contract: a nonce is met by one message space only (B3).
            nonce_context: vote.as_bytes().to_vec(),
            record: *vote.as_bytes(),
            vote: Context::V0(vote),
            commit: Context::v0(Purpose::RandomnessCommitment, &consumer, &contract),
        })
    }
}

impl Eots {
    pub(crate) fn new(key: SecretKey, ledger: Ledger, max_jump: u64) -> Self {
        Self { key, ledger, max_jump, trees: BTreeMap::new(), chunks: BTreeMap::new(), refused: 0 }
    }

    fn commit(&mut self, ask: Commit) -> Result<Committed, Refused> {
        let domain = Use::of(ask.domain)?;
        let root = self.tree(&domain, ask.start, ask.count)?.root();
        let commitment =
            RandomnessCommitment::new(ask.start, ask.count, &root).map_err(|e| refused("BAD_REQUEST", e))?;
        let aux = crate::keystore::random_secret().map_err(|e| refused("STATE", e))?;
        let signature = bip340::sign(&self.key, &commitment.digest(&domain.commit), &aux);
        Ok(Committed { root: root.to_vec(), signature: signature.to_bytes().to_vec() })
    }

    fn vote(&mut self, domain: &Use, vote: &Vote) -> Result<SignedVote, Refused> {
        let app_hash: [u8; 32] = vote
            .app_hash
            .as_slice()
            .try_into()
            .map_err(|_| refused("BAD_REQUEST", "an application hash has 32 bytes"))?;
        let proof = self.proof(domain, vote)?;
        let again = self.permit(domain, vote.height, &app_hash)?;
        let nonce = self.nonce(domain, vote.height);
        let public_randomness = nonce.public().as_bytes().to_vec();
        let message = vote_message(&domain.vote, vote.height, &app_hash);
        let signature = eots::sign(nonce, &self.key, &message).map_err(|e| refused("STATE", e))?;
        Ok(SignedVote {
            public_randomness,
            signature: signature.to_bytes().to_vec(),
            proof: proof.aunts.iter().map(|aunt| aunt.to_vec()).collect(),
            again,
        })
    }

    /// Asks the guard; what it permits is on disk when this returns. Tells whether it was signed before.
    fn permit(&self, domain: &Use, height: u64, app_hash: &[u8; 32]) -> Result<bool, Refused> {
        let state = |e: LedgerError| refused("STATE", e);
        let on_record = self.ledger.vote(&domain.record, height).map_err(state)?;
        let records = on_record.at_height.map(|hash| (height, Record::Signed(hash)));
        // A key that never signed here has no height to jump from.
        let watermark = on_record.watermark.unwrap_or(height.saturating_sub(1));
        let history = History::restore(watermark, records);
        match history.permit(Request { height, app_hash: *app_hash }, self.max_jump) {
            Verdict::AlreadySigned(_) => Ok(true),
            Verdict::Permit(permitted) => {
                let entry = permitted.entry();
                self.ledger.record_vote(&domain.record, entry.height, &entry.app_hash).map_err(state)?;
                Ok(false)
            }
            Verdict::Refuse(refusal) => Err(guard_refusal(&refusal)),
        }
    }

    fn proof(&mut self, domain: &Use, vote: &Vote) -> Result<MerkleProof, Refused> {
        let index = vote.height.checked_sub(vote.committed_start).filter(|i| *i < vote.committed_count);
        let index =
            index.ok_or_else(|| refused("BAD_REQUEST", "the commitment named does not cover the height"))?;
        let chunk = self.tree(domain, vote.committed_start, vote.committed_count)?.chunk_of(index);
        let first = vote.committed_start.saturating_add(chunk.start);
        let count = u32::try_from(chunk.end.saturating_sub(chunk.start)).unwrap_or(u32::MAX);
        self.keep_chunk(domain, first, count);
        let key = (domain.nonce_context.clone(), vote.committed_start, vote.committed_count);
        let leaves = self.chunks.get(&key.0).map(NonceRange::public).unwrap_or_default();
        let tree = self.trees.get(&key).ok_or_else(|| refused("STATE", "the commitment's tree is gone"))?;
        tree.prove(index, leaves).map_err(|e| refused("STATE", e))
    }

    fn nonce(&self, domain: &Use, height: u64) -> OneTimeNonce {
        let known = self.chunks.get(&domain.nonce_context).and_then(|chunk| chunk.nonce(&self.key, height));
        known.unwrap_or_else(|| OneTimeNonce::derive(&self.key, &domain.nonce_context, height))
    }

    fn keep_chunk(&mut self, domain: &Use, first: u64, count: u32) {
        let context = &domain.nonce_context;
        let is_it =
            |chunk: &NonceRange| chunk.start() == first && u32::try_from(chunk.public().len()) == Ok(count);
        if self.chunks.get(context).is_some_and(is_it) {
            return;
        }
        if self.chunks.len() >= TREES {
            self.chunks.pop_first();
        }
        self.chunks.insert(context.clone(), NonceRange::derive(&self.key, context, first, count));
    }

    fn tree(&mut self, domain: &Use, start: u64, count: u64) -> Result<&CommitmentTree, Refused> {
        if count == 0 || count > MAX_COMMIT {
            return Err(refused("BAD_REQUEST", format!("a commitment has 1 to {MAX_COMMIT} heights")));
        }
        let key = (domain.nonce_context.clone(), start, count);
        if !self.trees.contains_key(&key) && self.trees.len() >= TREES {
            self.trees.pop_first();
        }
        let (secret, context) = (&self.key, &domain.nonce_context);
        Ok(self.trees.entry(key).or_insert_with(|| {
            let count = u32::try_from(count).unwrap_or(u32::MAX);
            CommitmentTree::new(&public_randomness(secret, context, start, count))
        }))
    }

    fn votes(&mut self, ask: Votes) -> Answer {
        let domain = match Use::of(ask.domain) {
            Ok(domain) => domain,
            Err(refusal) => return Answer::Refused(refusal),
        };
        let mut votes = Vec::with_capacity(ask.votes.len());
        for vote in &ask.votes {
            votes.push(match self.vote(&domain, vote) {
                Ok(signed) => VoteAnswer { signed: Some(signed), refused: None },
                Err(refusal) => {
                    self.refused = self.refused.saturating_add(1);
                    tracing::warn!(height = vote.height, code = %refusal.code, reason = %refusal.reason, "refused");
                    VoteAnswer { signed: None, refused: Some(refusal) }
                }
            });
        }
        Answer::Voted(Voted { votes })
    }

    fn watermark(&self, domain: Domain) -> Result<Watermark, Refused> {
        let domain = Use::of(Some(domain))?;
        let height = self.ledger.watermark(&domain.record).map_err(|e| refused("STATE", e))?;
        Ok(Watermark { height })
    }

    /// Agrees to an address on the hub. The digest is tagged with its purpose, so it is no vote and no commitment (B1).
    fn possession(&self, ask: &Possession) -> Result<Possessed, Refused> {
        if ask.chain_id.is_empty() || ask.contract.is_empty() {
            return Err(refused("BAD_REQUEST", "chain and contract must be named"));
        }
        let address = ChainAddress::parse(&ask.address).map_err(|e| refused("BAD_REQUEST", e))?;
        let domain = Context::v0(Purpose::ProviderPossession, &ask.chain_id, &ask.contract);
        let aux = crate::keystore::random_secret().map_err(|e| refused("STATE", e))?;
        let signature = bip340::sign(&self.key, &bip340_digest(&domain, address.raw()), &aux);
        tracing::info!(chain = %ask.chain_id, address = %ask.address, "proved possession of the key");
        Ok(Possessed { signature: signature.to_bytes().to_vec() })
    }

    fn status(&self) -> Result<Status, Refused> {
        Ok(Status {
            role: "eots".to_owned(),
            public_key: self.key.x_only().as_bytes().to_vec(),
            signed: self.ledger.signed().map_err(|e| refused("STATE", e))?,
            refused: self.refused,
        })
    }
}

impl Handler for Eots {
    fn handle(&mut self, ask: Ask) -> Answer {
        let answer = match ask {
            Ask::Status(_) => self.status().map(Answer::Status),
            Ask::Commit(commit) => self.commit(commit).map(Answer::Committed),
            Ask::Votes(votes) => Ok(self.votes(votes)),
            Ask::Watermark(domain) => self.watermark(domain).map(Answer::Watermark),
            Ask::Possession(ask) => self.possession(&ask).map(Answer::Possessed),
            Ask::Presign(_) => Err(refused("BAD_REQUEST", "this signer has the EOTS role")),
        };
        answer.unwrap_or_else(Answer::Refused)
    }
}

fn guard_refusal(refusal: &guard::Refusal) -> Refused {
    let watermark = match refusal {
        guard::Refusal::BelowWatermark { watermark, .. } | guard::Refusal::MaxJump { watermark, .. } => {
            Some(*watermark)
        }
        _ => None,
    };
    Refused { watermark, ..refused(refusal.code(), refusal) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::path::Path;

    fn signer(ledger: &Path) -> Eots {
        Eots::new(SecretKey::from_bytes(&[5; 32]).unwrap(), Ledger::open(ledger).unwrap(), 1_000)
    }

    fn domain() -> Domain {
        Domain { consumer: "mesh-1".to_owned(), contract: "mesh1finality".to_owned() }
    }

    fn ask(signer: &mut Eots, height: u64, hash: u8) -> VoteAnswer {
        let vote = Vote { height, app_hash: vec![hash; 32], committed_start: 1, committed_count: 64 };
        match signer.handle(Ask::Votes(Votes { domain: Some(domain()), votes: vec![vote] })) {
            Answer::Voted(mut voted) => voted.votes.pop().unwrap(),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn the_same_vote_again_gives_the_same_signature_and_another_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let mut signer = signer(&dir.path().join("l"));
        let first = ask(&mut signer, 7, 1).signed.unwrap();
        let again = ask(&mut signer, 7, 1).signed.unwrap();
        assert_eq!(first.signature, again.signature);
        assert!(!first.again && again.again);
        assert_eq!(ask(&mut signer, 7, 2).refused.unwrap().code, "DOUBLE_SIGN");
        assert_eq!(ask(&mut signer, 6, 1).refused.unwrap().code, "BELOW_WATERMARK");
    }

    /// B3: one key and height in two domains meet two nonces.
    #[test]
    fn domains_never_share_a_nonce() {
        let dir = tempfile::tempdir().unwrap();
        let mut signer = signer(&dir.path().join("l"));
        let here = ask(&mut signer, 7, 1).signed.unwrap().public_randomness;
        let vote = Vote { height: 7, app_hash: vec![1; 32], committed_start: 1, committed_count: 64 };
        let other = Domain { consumer: "cons-1".to_owned(), ..domain() };
        let Answer::Voted(voted) =
            signer.handle(Ask::Votes(Votes { domain: Some(other), votes: vec![vote] }))
        else {
            panic!("no votes");
        };
        assert_ne!(voted.votes[0].signed.as_ref().unwrap().public_randomness, here);
    }

    #[test]
    fn a_signed_vote_verifies_against_its_commitment() {
        use staking_crypto::curve::Pure;
        let dir = tempfile::tempdir().unwrap();
        let mut signer = signer(&dir.path().join("l"));
        let Answer::Committed(committed) =
            signer.handle(Ask::Commit(Commit { domain: Some(domain()), start: 1, count: 64 }))
        else {
            panic!("no commitment");
        };
        let signed = ask(&mut signer, 40, 9).signed.unwrap();
        let randomness =
            staking_crypto::XOnly::from_bytes(&signed.public_randomness.as_slice().try_into().unwrap())
                .unwrap();
        let commitment = RandomnessCommitment::new(1, 64, &committed.root).unwrap();
        let aunts = signed.proof.iter().map(|a| a.as_slice().try_into().unwrap()).collect();
        let leaf_hash = staking_protocol::finality::merkle::leaf_hash(&signed.public_randomness);
        let proof = MerkleProof { total: 64, index: 39, leaf_hash, aunts };
        commitment.check_value(40, &randomness, &proof).unwrap();
        let signature =
            eots::Signature::from_bytes(&signed.signature.as_slice().try_into().unwrap()).unwrap();
        let context = Context::v0(Purpose::FinalityVote, "mesh-1", "mesh1finality");
        let message = vote_message(&context, 40, &[9; 32]);
        eots::verify(&Pure, &signer.key.x_only(), &randomness, &message, &signature).unwrap();
    }

    /// B1: a proof of possession holds for the one chain, contract and address it was asked for.
    #[test]
    fn a_proof_of_possession_holds_for_its_chain_contract_and_address_only() {
        use staking_crypto::curve::Pure;
        use staking_protocol::possession::Possession as Proof;
        let dir = tempfile::tempdir().unwrap();
        let mut signer = signer(&dir.path().join("l"));
        let address = ChainAddress::parse("mesh1qyqszqgpqyqszqgpqyqszqgpqyqszqgpcmdfg8").unwrap();
        let ask = Possession {
            chain_id: "mesh-1".to_owned(),
            contract: "mesh1staking".to_owned(),
            address: address.text().to_owned(),
        };
        let Answer::Possessed(possessed) = signer.handle(Ask::Possession(ask.clone())) else {
            panic!("no proof");
        };
        let proof = Proof::from_parts(0, &possessed.signature).unwrap();
        let Proof::Bip340(signature) = &proof else { panic!("another kind") };
        let holds = |domain: &Context, raw: &[u8]| {
            bip340::verify(&Pure, &signer.key.x_only(), &bip340_digest(domain, raw), signature).is_ok()
        };
        let here = Context::v0(Purpose::ProviderPossession, "mesh-1", "mesh1staking");
        assert!(holds(&here, address.raw()));
        assert!(!holds(&here, &[2; 20]));
        for (purpose, chain, contract) in [
            (Purpose::StakerPossession, "mesh-1", "mesh1staking"),
            (Purpose::ProviderPossession, "mesh-2", "mesh1staking"),
            (Purpose::ProviderPossession, "mesh-1", "mesh1other"),
        ] {
            assert!(!holds(&Context::v0(purpose, chain, contract), address.raw()));
        }
        for spoiled in [
            Possession { chain_id: String::new(), ..ask.clone() },
            Possession { contract: String::new(), ..ask.clone() },
            Possession { address: "mesh1nonsense".to_owned(), ..ask },
        ] {
            let answer = signer.handle(Ask::Possession(spoiled));
            assert!(matches!(answer, Answer::Refused(r) if r.code == "BAD_REQUEST"));
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]
        /// S1: whatever is asked in whatever order, across restarts, one height never gets two hashes.
        #[test]
        fn no_sequence_of_requests_and_restarts_gets_two_signatures(steps in prop::collection::vec((1u64..12, 0u8..3, any::<bool>()), 1..40)) {
            let dir = tempfile::tempdir().unwrap();
            let path = dir.path().join("l");
            let mut signing = signer(&path);
            let mut signed: BTreeMap<u64, u8> = BTreeMap::new();
            for (height, hash, restart) in steps {
                if restart {
                    drop(signing);
                    signing = signer(&path);
                }
                if ask(&mut signing, height, hash).signed.is_some() {
                    prop_assert_eq!(*signed.entry(height).or_insert(hash), hash);
                }
            }
        }
    }
}
