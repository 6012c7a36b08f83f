//! The finality-provider part: commits randomness and votes, with a key that only `mesh-signer` holds.

use crate::hub::Contracts;
use anyhow::{Context, Result, bail};
use bridge_attest::randomness::{CommitPolicy, CommitView, Range, plan_commit};
use bridge_attest::signer::{Domain, Refusal, SignedCommit, SignedVote, VoteSigner};
use bridge_attest::vote::{Candidate, Vote, VotePlan, VoteView, plan_votes};
use staking_api::finality::{Commit, Commits, Consumer, ExecuteMsg, ProviderInfo, QueryMsg, Vote as VoteMsg};
use staking_api::signer::{
    Answer, Ask, Commit as CommitAsk, Domain as WireDomain, Empty, Refused, Vote as VoteAsk, Votes,
};
use staking_api::{Binary, Hash32, Key};
use staking_clients::cosmos::{ChainClient, Writer, smart_query};
use staking_clients::signer::SignerClient;

/// A finality provider at work for one consumer.
pub struct Provider<'a> {
    /// The hub, and the account that pays.
    pub hub: &'a Writer<'a>,
    /// The Bitcoin contracts on the hub.
    pub contracts: &'a Contracts,
    /// Nodes of the consumer whose blocks are voted on. All must agree on a block.
    pub consumer_nodes: Vec<&'a dyn ChainClient>,
    /// Chain id of the consumer.
    pub consumer: String,
    /// The provider's key.
    pub fp_pk: Key,
    /// When to commit how much.
    pub policy: CommitPolicy,
    /// Votes in one message.
    pub batch: usize,
}

impl Provider<'_> {
    /// Commits randomness if more is due. Returns the range committed.
    ///
    /// # Errors
    /// When a chain or the signer cannot be reached, or refuses.
    pub fn commit(&self, signer: &mut dyn VoteSigner) -> Result<Option<Range>> {
        let consumer = self.consumer_state()?;
        let info = self.info()?;
        let view = CommitView {
            covered_to: info.and_then(|i| i.committed_until),
            height: self.consumer_height()?,
            activation: consumer.settings.activation_height.unwrap_or(1),
        };
        let Some(range) = plan_commit(view, self.policy) else { return Ok(None) };
        let signed = signer.commit(&self.domain(), range)?;
        self.hub.execute(&self.contracts.finality, &self.commit_msg(&signed), &[])?;
        Ok(Some(range))
    }

    /// Votes for the blocks that are due. Returns what was decided.
    ///
    /// # Errors
    /// When a chain or the signer cannot be reached, or the hub refuses.
    pub fn vote(&self, signer: &mut dyn VoteSigner) -> Result<VotePlan> {
        let commits = self.usable_commits()?;
        let view = VoteView {
            candidates: self.candidates()?,
            usable: commits
                .iter()
                .map(|r| (r.start, r.start.saturating_add(r.count).saturating_sub(1)))
                .collect(),
            watermark: signer.watermark(&self.domain())?,
            quorum: self.consumer_nodes.len(),
        };
        let plan = plan_votes(&view, self.batch);
        let mut signed = Vec::with_capacity(plan.votes.len());
        for vote in &plan.votes {
            let committed =
                commits.iter().find(|r| covers(r, vote.height)).copied().context("no commitment")?;
            signed.push(signer.sign(&self.domain(), *vote, committed)?);
        }
        if !signed.is_empty() {
            self.submit(&signed)?;
        }
        Ok(plan)
    }

    /// Submits signed votes and finalises what they complete.
    ///
    /// # Errors
    /// When the hub refuses all of them.
    pub fn submit(&self, signed: &[SignedVote]) -> Result<()> {
        let msg = ExecuteMsg::SubmitVotes {
            consumer: self.consumer.clone(),
            fp_pk: self.fp_pk,
            votes: signed.iter().map(vote_msg).collect(),
            finalize: u32::try_from(signed.len()).unwrap_or(u32::MAX),
        };
        self.hub.execute(&self.contracts.finality, &msg, &[])?;
        Ok(())
    }

    /// Commitments that are timestamped.
    ///
    /// # Errors
    /// When the hub cannot be asked.
    pub fn usable_commits(&self) -> Result<Vec<Range>> {
        let query = QueryMsg::Commits {
            consumer: self.consumer.clone(),
            fp_pk: self.fp_pk,
            start_after: None,
            limit: Some(100),
            descending: true,
        };
        let page: Commits = smart_query(self.hub.chain(), &self.contracts.finality, &query)?;
        Ok(page.commits.iter().filter(|c| c.usable).map(range_of).collect())
    }

    /// What separates this provider's votes here from all others.
    pub fn domain(&self) -> Domain {
        Domain { consumer: self.consumer.clone(), contract: self.contracts.finality.clone() }
    }

    fn info(&self) -> Result<Option<ProviderInfo>> {
        let query = QueryMsg::Provider { consumer: self.consumer.clone(), fp_pk: self.fp_pk };
        Ok(smart_query(self.hub.chain(), &self.contracts.finality, &query)?)
    }

    fn consumer_state(&self) -> Result<Consumer> {
        let query = QueryMsg::Consumer { id: self.consumer.clone() };
        let consumer: Option<Consumer> = smart_query(self.hub.chain(), &self.contracts.finality, &query)?;
        consumer.with_context(|| format!("the hub does not know consumer {}", self.consumer))
    }

    fn consumer_height(&self) -> Result<u64> {
        let node = self.consumer_nodes.first().context("no node of the consumer is configured")?;
        Ok(node.status()?.height)
    }

    /// Blocks from the next height to finalise up to the consumer's newest, as all nodes report them.
    fn candidates(&self) -> Result<Vec<Candidate>> {
        let next = self.consumer_state()?.next_height;
        let last = self.consumer_height()?.min(next.saturating_add(self.batch as u64));
        let mut candidates = Vec::new();
        for height in next..=last {
            let mut reports = Vec::new();
            for node in &self.consumer_nodes {
                let block = node.block(height)?;
                match <[u8; 32]>::try_from(block.app_hash.as_slice()) {
                    Ok(hash) => reports.push(hash),
                    Err(_) => bail!("block {height} of {} has no 32-byte application hash", self.consumer),
                }
            }
            candidates.push(Candidate { height, reports });
        }
        Ok(candidates)
    }

    fn commit_msg(&self, signed: &SignedCommit) -> ExecuteMsg {
        ExecuteMsg::CommitRandomness {
            consumer: self.consumer.clone(),
            fp_pk: self.fp_pk,
            start_height: signed.range.start,
            count: signed.range.count,
            commitment: Hash32::from_bytes(signed.root),
            signature: Binary(signed.signature.to_vec()),
        }
    }
}

fn covers(range: &Range, height: u64) -> bool {
    height >= range.start && height - range.start < range.count
}

fn range_of(commit: &Commit) -> Range {
    Range { start: commit.start_height, count: commit.count }
}

/// A signed vote as the contract takes it.
pub fn vote_msg(signed: &SignedVote) -> VoteMsg {
    VoteMsg {
        height: signed.vote.height,
        app_hash: Hash32::from_bytes(signed.vote.app_hash),
        pub_rand: Hash32::from_bytes(signed.public_randomness),
        proof: Binary(signed.proof.concat()),
        signature: Hash32::from_bytes(signed.signature),
    }
}

/// A signer process behind a socket.
pub struct RemoteSigner {
    client: SignerClient,
}

impl RemoteSigner {
    /// Talks to the signer at a socket.
    pub fn new(client: SignerClient) -> Self {
        Self { client }
    }

    fn ask(&self, ask: Ask) -> Result<Answer, Refusal> {
        match self.client.ask(ask) {
            Ok(Answer::Refused(refused)) => Err(refusal(&refused, 0)),
            Ok(answer) => Ok(answer),
            Err(e) => Err(Refusal::Unreachable(e.to_string())),
        }
    }
}

fn wire(domain: &Domain) -> WireDomain {
    WireDomain { consumer: domain.consumer.clone(), contract: domain.contract.clone() }
}

fn refusal(refused: &Refused, height: u64) -> Refusal {
    let watermark = refused.watermark.unwrap_or_default();
    match refused.code.as_str() {
        "DOUBLE_SIGN" => Refusal::DoubleSign { height },
        "BELOW_WATERMARK" => Refusal::BelowWatermark { watermark },
        "MAX_JUMP" => Refusal::Jump { watermark },
        "LOCKED" => Refusal::Locked,
        _ => Refusal::State(format!("{}: {}", refused.code, refused.reason)),
    }
}

fn unexpected() -> Refusal {
    Refusal::State("the signer answered another question".to_owned())
}

fn array<const N: usize>(bytes: &[u8]) -> Result<[u8; N], Refusal> {
    bytes
        .try_into()
        .map_err(|_| Refusal::State(format!("the signer sent {} bytes instead of {N}", bytes.len())))
}

impl VoteSigner for RemoteSigner {
    fn public_key(&mut self) -> Result<[u8; 32], Refusal> {
        match self.ask(Ask::Status(Empty {}))? {
            Answer::Status(status) if status.role == "eots" => array(&status.public_key),
            _ => Err(unexpected()),
        }
    }

    fn commit(&mut self, domain: &Domain, range: Range) -> Result<SignedCommit, Refusal> {
        let ask = CommitAsk { domain: Some(wire(domain)), start: range.start, count: range.count };
        match self.ask(Ask::Commit(ask))? {
            Answer::Committed(c) => {
                Ok(SignedCommit { range, root: array(&c.root)?, signature: array(&c.signature)? })
            }
            _ => Err(unexpected()),
        }
    }

    fn sign(&mut self, domain: &Domain, vote: Vote, committed: Range) -> Result<SignedVote, Refusal> {
        let ask = VoteAsk {
            height: vote.height,
            app_hash: vote.app_hash.to_vec(),
            committed_start: committed.start,
            committed_count: committed.count,
        };
        let Answer::Voted(voted) =
            self.ask(Ask::Votes(Votes { domain: Some(wire(domain)), votes: vec![ask] }))?
        else {
            return Err(unexpected());
        };
        let answer = voted.votes.into_iter().next().ok_or_else(unexpected)?;
        match (answer.signed, answer.refused) {
            (Some(signed), _) => Ok(SignedVote {
                vote,
                public_randomness: array(&signed.public_randomness)?,
                signature: array(&signed.signature)?,
                proof: signed.proof.iter().map(|aunt| array(aunt)).collect::<Result<_, _>>()?,
                committed,
            }),
            (None, Some(refused)) => Err(refusal(&refused, vote.height)),
            (None, None) => Err(unexpected()),
        }
    }

    fn watermark(&mut self, domain: &Domain) -> Result<Option<u64>, Refusal> {
        match self.ask(Ask::Watermark(wire(domain)))? {
            Answer::Watermark(w) => Ok(w.height),
            _ => Err(unexpected()),
        }
    }
}
