//! Convictions: evidence is checked, stored, and then told. What follows cannot undo it (traps D2–D6).

use contract_host::HostCurve;
use contract_host::events::EmitExt;
use contract_host::outbox;
use contract_host::push::{ToStaking, ToVault};
use cosmwasm_std::{DepsMut, Env, MessageInfo, Response, Storage};
use staking_api::events::Equivocation;
use staking_api::finality::SignedMessage;
use staking_api::{Hash32, Key};
use staking_crypto::eots::Signature;
use staking_crypto::{Curve, Scalar, XOnly};
use staking_protocol::context::Purpose;
use staking_protocol::finality::Evidence;
use staking_protocol::finality::evidence::SignedMessage as Signed;

use crate::error::FinalityError;
use crate::state::config::Config;
use crate::state::consumer::{self};
use crate::state::evidence::{Conviction, Proof, is_slashed};
use crate::state::power::unrank;
use crate::state::provider::{Place, Provider};

pub(crate) fn submit(
    deps: DepsMut<'_>,
    env: &Env,
    fp: &Key,
    pub_rand: &Hash32,
    first: SignedMessage,
    second: SignedMessage,
) -> Result<Response, FinalityError> {
    let config = Config::load(deps.storage)?;
    require_new(deps.storage, fp)?;
    let part = |m: SignedMessage| (m.message.0, m.signature.to_bytes());
    let proof = Proof::Messages { pub_rand: pub_rand.to_bytes(), first: part(first), second: part(second) };
    convict(deps, env, &config, fp, proof, Response::new())
}

pub(crate) fn leaked_key(
    deps: DepsMut<'_>,
    env: &Env,
    fp: &Key,
    secret: &Hash32,
) -> Result<Response, FinalityError> {
    let config = Config::load(deps.storage)?;
    require_new(deps.storage, fp)?;
    convict(deps, env, &config, fp, Proof::Key(secret.to_bytes()), Response::new())
}

/// `btc-staking` found the key in a slashing transaction on Bitcoin. Idempotent.
pub(crate) fn from_staking(
    deps: DepsMut<'_>,
    env: &Env,
    info: &MessageInfo,
    fp: &Key,
    secret: &Hash32,
) -> Result<Response, FinalityError> {
    let config = Config::load(deps.storage)?;
    if info.sender != config.staking {
        return Err(FinalityError::NotStaking(info.sender.clone()));
    }
    if is_slashed(deps.storage, fp) {
        return Ok(Response::new());
    }
    convict(deps, env, &config, fp, Proof::Key(secret.to_bytes()), Response::new())
}

fn require_new(storage: &dyn Storage, fp: &Key) -> Result<(), FinalityError> {
    Provider::require(storage, fp)?;
    if is_slashed(storage, fp) { Err(FinalityError::ProviderSlashed(*fp)) } else { Ok(()) }
}

/// Extracts the key, stores the evidence, takes the provider's power and tells the neighbours.
pub(crate) fn convict(
    mut deps: DepsMut<'_>,
    env: &Env,
    config: &Config,
    fp: &Key,
    proof: Proof,
    response: Response,
) -> Result<Response, FinalityError> {
    let secret = extract(&deps, env, config, fp, &proof)?;
    let height = match &proof {
        Proof::Votes { number, height, .. } => Some((*number, *height)),
        _ => None,
    };
    Conviction { hub_height: env.block.height, proof }.save(deps.storage, fp)?;
    let provider = Provider::require(deps.storage, fp)?;
    disempower(&mut deps, fp, &provider)?;
    let consumer = match height {
        Some((number, _)) => consumer::id_of(deps.storage, number)?,
        None => None,
    };
    let event = Equivocation { fp_pk: *fp, secret_key: secret, consumer, height: height.map(|(_, h)| h) };
    let response = response.emit(&event);
    tell(deps.storage, config, fp, &provider, event.height.unwrap_or(0), response)
}

fn disempower(deps: &mut DepsMut<'_>, fp: &Key, provider: &Provider) -> Result<(), FinalityError> {
    for (number, _) in &provider.places {
        let place = Place::require(deps.storage, *number, fp)?;
        if place.jailed_until.is_none() {
            unrank(deps.storage, *number, provider.power, fp);
        }
    }
    Ok(())
}

fn tell(
    storage: &dyn Storage,
    config: &Config,
    fp: &Key,
    provider: &Provider,
    height: u64,
    response: Response,
) -> Result<Response, FinalityError> {
    let slash = ToStaking::Slash { fp_pk: *fp };
    let mut response = response.add_submessage(outbox::send(config.staking.as_str(), &slash)?);
    let Some(vault) = &config.vault else { return Ok(response) };
    for (number, _) in &provider.places {
        let consumer = consumer::id_of(storage, *number)?.unwrap_or_default();
        let msg = ToVault::FpSlashed { fp_pk: fp.to_string(), consumer, height };
        response = response.add_submessage(outbox::send(vault.as_str(), &msg)?);
    }
    Ok(response)
}

/// The provider's secret key; only it proves the offence.
fn extract(
    deps: &DepsMut<'_>,
    env: &Env,
    config: &Config,
    fp: &Key,
    proof: &Proof,
) -> Result<Hash32, FinalityError> {
    let curve = HostCurve::new(deps.api);
    let provider = XOnly::from_bytes(fp.as_bytes())?;
    if let Proof::Key(secret) = proof {
        let public = curve.base_mul(&Scalar::from_bytes(secret)?)?;
        let same = public.x_only() == provider;
        return if same { Ok((*secret).into()) } else { Err(FinalityError::OtherKey(*fp)) };
    }
    let messages = messages(deps.storage, env, config, proof)?;
    let (pub_rand, first, second) = messages.ok_or(FinalityError::OtherKey(*fp))?;
    let evidence = Evidence { provider, randomness: XOnly::from_bytes(&pub_rand)?, first, second };
    Ok((*evidence.extract(&curve)?.expose_secret()).into())
}

type Messages = ([u8; 32], Signed, Signed);

/// The two messages of a proof, with contexts; `None` where the key was the proof.
pub(crate) fn messages(
    storage: &dyn Storage,
    env: &Env,
    config: &Config,
    proof: &Proof,
) -> Result<Option<Messages>, FinalityError> {
    Ok(match proof {
        Proof::Key(_) => None,
        Proof::Messages { pub_rand, first, second } => {
            let signed = |(message, signature): &(Vec<u8>, [u8; 32])| -> Result<Signed, FinalityError> {
                Ok(Signed { message: message.clone(), signature: Signature::from_bytes(signature)? })
            };
            Some((*pub_rand, signed(first)?, signed(second)?))
        }
        Proof::Votes { number, height, pub_rand, first, second } => {
            let id = consumer::id_of(storage, *number)?.unwrap_or_default();
            let domain = config.domain(Purpose::FinalityVote, &id, env);
            let signed = |ballot: &crate::state::votes::Ballot| -> Result<Signed, FinalityError> {
                let signature = Signature::from_bytes(&ballot.signature)?;
                Ok(Signed::vote(&domain, *height, &ballot.app_hash, signature))
            };
            Some((*pub_rand, signed(first)?, signed(second)?))
        }
    })
}
