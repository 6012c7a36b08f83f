//! Votes (spec §8.3). A vote is checked and stored, not counted; one that conflicts with an earlier vote convicts
//! its provider, whatever else holds.

use contract_host::HostCurve;
use contract_host::events::{EmitExt, event};
use cosmwasm_std::{DepsMut, Env, Event, Response, Storage};
use staking_api::events::{ItemRefused, VotesAccepted};
use staking_api::finality::Vote as VoteMsg;
use staking_api::parse::ParseMessageError;
use staking_api::{Hash32, Key};
use staking_crypto::XOnly;
use staking_crypto::eots::Signature;
use staking_protocol::context::{Domain, Purpose};
use staking_protocol::finality::merkle::{MerkleProof, leaf_hash};
use staking_protocol::finality::{self as rules};

use super::evidence;
use super::finalize;
use crate::error::FinalityError;
use crate::state::config::Rules;
use crate::state::consumer::{Cursors, Hot, Settings};
use crate::state::evidence::{Proof, is_slashed};
use crate::state::provider::{Place, Provider};
use crate::state::timestamps;
use crate::state::votes::{self, Ballot, Commit};

/// Votes of a message at most.
const MAX_VOTES: usize = 200;

/// What is the same for all votes of a message.
struct Voter<'a> {
    consumer: &'a str,
    fp: &'a Key,
    key: XOnly,
    domain: Domain,
    settings: Hot,
    provider: Provider,
    slot: u16,
    place: Place,
    open: Option<Open>,
    commit: Option<Commit>,
}

/// What only votes that are no second ones need.
#[derive(Clone, Copy)]
struct Open {
    cursors: Cursors,
    /// Hub height up to which commitments are usable.
    usable: Usable,
}

/// What a vote turned out to be.
enum Verdict {
    New(Ballot),
    Equivocation { proof: Proof, secret: Hash32 },
}

// Apart: all handlers in one function are more local variables than cosmwasm-vm takes.
#[inline(never)]
pub(crate) fn run(
    mut deps: DepsMut<'_>,
    env: &Env,
    consumer: &str,
    fp: &Key,
    votes: &[VoteMsg],
    finalize: u32,
) -> Result<Response, FinalityError> {
    check_batch(votes)?;
    let settings = Hot::require(deps.storage, consumer)?;
    if is_slashed(deps.storage, fp) {
        return Err(FinalityError::ProviderSlashed(*fp));
    }
    let provider = Provider::require(deps.storage, fp)?;
    let slot = provider.slot_at(settings.number).ok_or(FinalityError::NoSuchProvider(*fp))?;
    let mut voter = Voter {
        consumer,
        fp,
        key: XOnly::from_bytes(fp.as_bytes())?,
        domain: settings.rules.domain(Purpose::FinalityVote, consumer, env),
        place: Place::load(deps.storage, settings.number, slot)?,
        open: None,
        commit: None,
        settings,
        provider,
        slot,
    };
    let outcome = judge_all(&deps, &mut voter, votes);
    if outcome.accepted.is_empty() && outcome.conviction.is_none() {
        return Err(outcome.first_error.unwrap_or(FinalityError::NoVotes));
    }
    store(deps.storage, &mut voter, &outcome.accepted);
    let mut response = Response::new().add_events(outcome.refusals);
    if let (Some((first, _)), Some((last, _))) = (outcome.accepted.first(), outcome.accepted.last()) {
        let count = u32::try_from(outcome.accepted.len()).unwrap_or(u32::MAX);
        let consumer = consumer.to_string();
        response = response.emit(&VotesAccepted { consumer, fp_pk: *fp, first: *first, last: *last, count });
    }
    if let Some((height, proof, secret)) = outcome.conviction {
        let case = evidence::Case { fp, proof, secret, at: Some((consumer, height)) };
        let known = Some((settings.number, voter.place));
        response = evidence::convict(deps.branch(), env, &voter.provider, case, known, response)?;
    }
    if finalize > 0 && !settings.paused {
        let usable = match voter.open {
            Some(open) => open.usable,
            None => Usable::load(deps.storage, &settings.rules)?,
        };
        let settings = Settings::complete(deps.storage, consumer, settings)?;
        response = finalize::advance(deps, env, consumer, &settings, usable, finalize, response)?;
    }
    Ok(response)
}

fn check_batch(votes: &[VoteMsg]) -> Result<(), FinalityError> {
    let found = votes.len();
    if found > MAX_VOTES {
        return Err(FinalityError::TooManyVotes { found, max: MAX_VOTES });
    }
    match votes.array_windows().find(|[a, b]| a.height >= b.height) {
        Some([previous, vote]) => {
            Err(FinalityError::VoteOrder { height: vote.height, previous: previous.height })
        }
        None => Ok(()),
    }
}

#[derive(Default)]
struct Outcome {
    accepted: Vec<(u64, Ballot)>,
    refusals: Vec<Event>,
    first_error: Option<FinalityError>,
    conviction: Option<(u64, Proof, Hash32)>,
}

fn judge_all(deps: &DepsMut<'_>, voter: &mut Voter<'_>, votes: &[VoteMsg]) -> Outcome {
    let mut outcome = Outcome::default();
    for (position, vote) in (0u32..).zip(votes) {
        match judge(deps, voter, vote) {
            Ok(Verdict::New(ballot)) => outcome.accepted.push((vote.height, ballot)),
            Ok(Verdict::Equivocation { proof, secret }) => {
                outcome.conviction = Some((vote.height, proof, secret));
                break;
            }
            Err(error) => {
                let (item, reason) = (vote.height.to_string(), error.to_string());
                outcome.refusals.push(event(&ItemRefused { position, item, reason }));
                outcome.first_error.get_or_insert(error);
            }
        }
    }
    outcome
}

/// Equivocation comes first: neither jail nor finality of the height hides it (traps D1–D3).
// Apart for the same reason as `run`.
#[inline(never)]
fn judge(deps: &DepsMut<'_>, voter: &mut Voter<'_>, vote: &VoteMsg) -> Result<Verdict, FinalityError> {
    let second = Ballot { app_hash: vote.app_hash.to_bytes(), signature: vote.signature.to_bytes() };
    let (slot, runs_end) = (voter.slot, voter.place.runs_end);
    if let Some(first) = votes::ballot(deps.storage, voter.settings.number, slot, vote.height, runs_end)? {
        if first.app_hash == second.app_hash {
            return Err(FinalityError::VoteKnown(vote.height));
        }
        return equivocation(deps, voter, vote, first, second);
    }
    let open = match voter.open {
        Some(open) => open,
        None => *voter.open.insert(Open::load(deps.storage, &voter.settings)?),
    };
    check_window(voter, &open.cursors, vote.height)?;
    verify(deps, voter, open.usable, vote)?;
    Ok(Verdict::New(second))
}

/// The key that comes out is the proof, so neither the second signature nor its randomness is checked before.
fn equivocation(
    deps: &DepsMut<'_>,
    voter: &Voter<'_>,
    vote: &VoteMsg,
    first: Ballot,
    second: Ballot,
) -> Result<Verdict, FinalityError> {
    let signed = |ballot| evidence::signed_vote(&voter.domain, vote.height, ballot);
    let secret = evidence::extract(deps, voter.fp, &vote.pub_rand, signed(&first)?, signed(&second)?)?;
    let (number, pub_rand) = (voter.settings.number, vote.pub_rand.to_bytes());
    let proof = Proof::Votes { number, height: vote.height, pub_rand, first, second };
    Ok(Verdict::Equivocation { proof, secret })
}

impl Open {
    fn load(storage: &dyn Storage, hot: &Hot) -> Result<Self, FinalityError> {
        Ok(Self { cursors: Cursors::load(storage, hot.number)?, usable: Usable::load(storage, &hot.rules)? })
    }
}

fn check_window(voter: &Voter<'_>, cursors: &Cursors, height: u64) -> Result<(), FinalityError> {
    let settings = &voter.settings;
    if settings.paused {
        return Err(FinalityError::ConsumerPaused(voter.consumer.to_string()));
    }
    if voter.place.jailed_until.is_some() {
        return Err(FinalityError::ProviderJailed(*voter.fp));
    }
    if !voter.place.staked {
        return Err(FinalityError::NeverStaked(*voter.fp));
    }
    if height < settings.activation_height {
        return Err(FinalityError::BeforeActivation { height, activation: settings.activation_height });
    }
    if height < cursors.next_settlement {
        return Err(FinalityError::Settled { height, next: cursors.next_settlement });
    }
    let last = cursors.next_height.saturating_add(settings.max_vote_lead);
    if height > last {
        return Err(FinalityError::TooFarAhead { height, last });
    }
    Ok(())
}

fn verify(
    deps: &DepsMut<'_>,
    voter: &mut Voter<'_>,
    usable: Usable,
    vote: &VoteMsg,
) -> Result<(), FinalityError> {
    let commit = commit_for(deps.storage, voter, vote.height)?;
    usable.check(&commit, vote.height)?;
    let (aunts, rest) = vote.proof.0.as_chunks::<32>();
    if !rest.is_empty() {
        let found = vote.proof.0.len();
        return Err(ParseMessageError::Length { field: "proof", expected: found / 32 * 32, found }.into());
    }
    let commitment = &commit.commitment;
    let index = commitment.index_of(vote.height).ok_or(FinalityError::NotCommitted(vote.height))?;
    let proof = MerkleProof {
        total: commitment.num(),
        index,
        leaf_hash: leaf_hash(vote.pub_rand.as_bytes()),
        aunts: aunts.to_vec(),
    };
    let parsed = rules::Vote {
        height: vote.height,
        app_hash: vote.app_hash.to_bytes(),
        randomness: XOnly::from_bytes(vote.pub_rand.as_bytes())?,
        signature: Signature::from_bytes(vote.signature.as_bytes())?,
    };
    Ok(parsed.verify(&HostCurve::new(deps.api), &voter.domain, &voter.key, commitment, &proof)?)
}

/// The commitment that covers a height; the one of the vote before is tried first.
fn commit_for(storage: &dyn Storage, voter: &mut Voter<'_>, height: u64) -> Result<Commit, FinalityError> {
    let covers = |commit: &Commit| commit.commitment.index_of(height).is_some();
    if let Some(commit) = voter.commit.filter(covers) {
        return Ok(commit);
    }
    voter.commit = Commit::at(storage, voter.settings.number, voter.slot, height)?;
    voter.commit.filter(covers).ok_or(FinalityError::NotCommitted(height))
}

/// Which commitments may be used.
#[derive(Clone, Copy)]
pub(crate) enum Usable {
    /// No timestamps are asked for.
    All,
    /// Those that the hub carried up to a height, if to any.
    Until(Option<u64>),
}

impl Usable {
    pub(crate) fn load(storage: &dyn Storage, rules: &Rules) -> Result<Self, FinalityError> {
        if rules.timestamp_depth == 0 {
            return Ok(Self::All);
        }
        Ok(Self::Until(timestamps::until(storage)?))
    }

    pub(crate) fn allows(self, commit: &Commit) -> bool {
        match self {
            Self::All => true,
            Self::Until(until) => until.is_some_and(|until| commit.hub_height <= until),
        }
    }

    fn check(self, commit: &Commit, height: u64) -> Result<(), FinalityError> {
        let hub_height = commit.hub_height;
        if self.allows(commit) { Ok(()) } else { Err(FinalityError::NotTimestamped { height, hub_height }) }
    }
}

/// Stores votes, those for consecutive heights together.
fn store(storage: &mut dyn Storage, voter: &mut Voter<'_>, accepted: &[(u64, Ballot)]) {
    let (number, slot) = (voter.settings.number, voter.slot);
    let mut runs_end = voter.place.runs_end;
    for run in accepted.chunk_by(|(a, _), (b, _)| a.checked_add(1) == Some(*b)) {
        let Some((start, _)) = run.first() else { continue };
        let ballots: Vec<Ballot> = run.iter().map(|(_, ballot)| *ballot).collect();
        if let Some(end) = votes::save(storage, number, slot, *start, &ballots) {
            runs_end = runs_end.max(end);
        }
    }
    if runs_end != voter.place.runs_end {
        voter.place.runs_end = runs_end;
        voter.place.save(storage, number, slot);
    }
}
