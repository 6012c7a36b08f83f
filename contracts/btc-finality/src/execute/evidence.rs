//! Convictions: evidence is checked, stored, and then told. What follows cannot undo it (traps D2–D6).

use contract_host::HostCurve;
use contract_host::events::EmitExt;
use contract_host::outbox;
use contract_host::push::{ToStaking, ToVault};
use cosmwasm_std::{Deps, DepsMut, Env, MessageInfo, Response, Storage};
use staking_api::events::Equivocation;
use staking_api::finality::SignedMessage;
use staking_api::{Hash32, Key};
use staking_crypto::eots::Signature;
use staking_crypto::{Curve, Scalar, XOnly};
use staking_protocol::context::{Domain, Purpose};
use staking_protocol::finality::Evidence;
use staking_protocol::finality::evidence::SignedMessage as Signed;

use super::power::require_staking;
use super::rewards;
use crate::error::FinalityError;
use crate::state::config::{Rules, STAKING, VAULT};
use crate::state::consumer::{self, Flags, Number};
use crate::state::evidence::{Conviction, Proof, is_slashed};
use crate::state::power::Seat;
use crate::state::provider::{Place, Provider};
use crate::state::votes::Ballot;

// Apart: all handlers in one function are more local variables than cosmwasm-vm takes.
#[inline(never)]
pub(crate) fn submit(
    deps: DepsMut<'_>,
    env: &Env,
    fp: &Key,
    pub_rand: &Hash32,
    first: SignedMessage,
    second: SignedMessage,
) -> Result<Response, FinalityError> {
    let provider = require_new(deps.storage, fp)?;
    let part = |m: SignedMessage| (m.message.0, m.signature.to_bytes());
    let (first, second) = (part(first), part(second));
    let secret = extract(&deps, fp, pub_rand, signed(&first)?, signed(&second)?)?;
    let proof = Proof::Messages { pub_rand: pub_rand.to_bytes(), first, second };
    convict(deps, env, &provider, Case { fp, proof, secret, at: None }, None, Response::new())
}

pub(crate) fn leaked_key(
    deps: DepsMut<'_>,
    env: &Env,
    fp: &Key,
    secret: &Hash32,
) -> Result<Response, FinalityError> {
    let provider = require_new(deps.storage, fp)?;
    let case = leaked(&deps, fp, secret)?;
    convict(deps, env, &provider, case, None, Response::new())
}

/// `btc-staking` found the key in a slashing transaction on Bitcoin. Idempotent.
pub(crate) fn from_staking(
    deps: DepsMut<'_>,
    env: &Env,
    info: &MessageInfo,
    fp: &Key,
    secret: &Hash32,
) -> Result<Response, FinalityError> {
    require_staking(deps.as_ref(), info)?;
    if is_slashed(deps.storage, fp) {
        return Ok(Response::new());
    }
    let provider = Provider::require(deps.storage, fp)?;
    let case = leaked(&deps, fp, secret)?;
    convict(deps, env, &provider, case, None, Response::new())
}

/// A key is its own proof.
fn leaked<'a>(deps: &DepsMut<'_>, fp: &'a Key, secret: &Hash32) -> Result<Case<'a>, FinalityError> {
    let public = HostCurve::new(deps.api).base_mul(&Scalar::from_bytes(&secret.to_bytes())?)?;
    if public.x_only() != XOnly::from_bytes(fp.as_bytes())? {
        return Err(FinalityError::OtherKey(*fp));
    }
    Ok(Case { fp, proof: Proof::Key(secret.to_bytes()), secret: *secret, at: None })
}

fn require_new(storage: &dyn Storage, fp: &Key) -> Result<Provider, FinalityError> {
    let provider = Provider::require(storage, fp)?;
    if is_slashed(storage, fp) { Err(FinalityError::ProviderSlashed(*fp)) } else { Ok(provider) }
}

/// The provider's secret key, which two messages under one nonce give away. That it is the provider's is all that
/// proves the offence; nothing else about the messages is checked.
pub(crate) fn extract(
    deps: &DepsMut<'_>,
    fp: &Key,
    pub_rand: &Hash32,
    first: Signed,
    second: Signed,
) -> Result<Hash32, FinalityError> {
    let (provider, randomness) = (XOnly::from_bytes(fp.as_bytes())?, XOnly::from_bytes(pub_rand.as_bytes())?);
    let evidence = Evidence { provider, randomness, first, second };
    Ok((*evidence.extract(&HostCurve::new(deps.api))?.expose_secret()).into())
}

/// A provider whose key is known, and from what.
pub(crate) struct Case<'a> {
    pub(crate) fp: &'a Key,
    pub(crate) proof: Proof,
    pub(crate) secret: Hash32,
    /// Consumer and height of two votes.
    pub(crate) at: Option<(&'a str, u64)>,
}

/// Stores the evidence, takes the provider's power and tells the neighbours. `known` is its place at a consumer where
/// it was read already.
pub(crate) fn convict(
    deps: DepsMut<'_>,
    env: &Env,
    provider: &Provider,
    case: Case<'_>,
    known: Option<(Number, Place)>,
    response: Response,
) -> Result<Response, FinalityError> {
    let Case { fp, proof, secret, at } = case;
    Conviction { hub_height: env.block.height, proof }.save(deps.storage, fp)?;
    for (number, slot) in &provider.places {
        let place = match known {
            Some((known, place)) if known == *number => place,
            _ => Place::load(deps.storage, *number, *slot)?,
        };
        let seat = Seat { number: *number, slot: *slot, fp };
        if Flags::load(deps.storage, *number)?.pays_rewards {
            // Its commission until now is its own.
            let power = seat.power(deps.storage, place.standing)?;
            rewards::catch_up(deps.storage, seat, power)?;
        }
        seat.leave(deps.storage, place.standing);
    }
    let (consumer, height) = at.map(|(consumer, height)| (consumer.to_string(), height)).unzip();
    let response = response.emit(&Equivocation { fp_pk: *fp, secret_key: secret, consumer, height });
    tell(deps.as_ref(), fp, provider, height.unwrap_or(0), response)
}

fn tell(
    deps: Deps<'_>,
    fp: &Key,
    provider: &Provider,
    height: u64,
    response: Response,
) -> Result<Response, FinalityError> {
    let slash = ToStaking::Slash { fp_pk: *fp };
    let mut response = response.add_submessage(outbox::send(STAKING.require(deps)?.as_str(), &slash)?);
    let Some(vault) = VAULT.load(deps)? else { return Ok(response) };
    for (number, _) in &provider.places {
        let consumer = consumer::id_of(deps.storage, *number)?.unwrap_or_default();
        let msg = ToVault::FpSlashed { fp_pk: fp.to_string(), consumer, height };
        response = response.add_submessage(outbox::send(vault.as_str(), &msg)?);
    }
    Ok(response)
}

type Messages = ([u8; 32], Signed, Signed);

/// The two messages of a proof, with contexts; `None` where the key was the proof.
pub(crate) fn messages(
    storage: &dyn Storage,
    env: &Env,
    rules: &Rules,
    proof: &Proof,
) -> Result<Option<Messages>, FinalityError> {
    Ok(match proof {
        Proof::Key(_) => None,
        Proof::Messages { pub_rand, first, second } => Some((*pub_rand, signed(first)?, signed(second)?)),
        Proof::Votes { number, height, pub_rand, first, second } => {
            let id = consumer::id_of(storage, *number)?.unwrap_or_default();
            let domain = rules.domain(Purpose::FinalityVote, &id, env);
            Some((*pub_rand, signed_vote(&domain, *height, first)?, signed_vote(&domain, *height, second)?))
        }
    })
}

fn signed((message, signature): &(Vec<u8>, [u8; 32])) -> Result<Signed, FinalityError> {
    Ok(Signed { message: message.clone(), signature: Signature::from_bytes(signature)? })
}

/// What a provider signed with a vote.
pub(crate) fn signed_vote(domain: &Domain, height: u64, ballot: &Ballot) -> Result<Signed, FinalityError> {
    Ok(Signed::vote(domain, height, &ballot.app_hash, Signature::from_bytes(&ballot.signature)?))
}
