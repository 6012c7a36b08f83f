//! Evidence, with the key that follows from it.

use contract_host::HostCurve;
use contract_host::page::PageLimit;
use cosmwasm_std::{Deps, Env};
use staking_api::finality::{Evidence as Answer, Evidences, SignedMessage};
use staking_api::{Binary, Key};
use staking_crypto::XOnly;
use staking_protocol::finality::Evidence;

use crate::error::FinalityError;
use crate::execute::evidence::messages;
use crate::state::config::Rules;
use crate::state::consumer;
use crate::state::evidence::{Conviction, Proof};

pub(super) fn one(deps: Deps<'_>, env: &Env, fp: &Key) -> Result<Option<Answer>, FinalityError> {
    let conviction = Conviction::load(deps.storage, fp)?;
    conviction.map(|conviction| describe(deps, env, fp, &conviction)).transpose()
}

pub(super) fn list(
    deps: Deps<'_>,
    env: &Env,
    after: Option<&Key>,
    limit: PageLimit,
) -> Result<Evidences, FinalityError> {
    let page = Conviction::page(deps.storage, after, limit.get())?;
    let evidences: Result<_, _> =
        page.iter().map(|(fp, conviction)| describe(deps, env, fp, conviction)).collect();
    Ok(Evidences { evidences: evidences? })
}

fn describe(deps: Deps<'_>, env: &Env, fp: &Key, conviction: &Conviction) -> Result<Answer, FinalityError> {
    let mut answer = Answer {
        fp_pk: *fp,
        secret_key: [0; 32].into(),
        consumer: None,
        height: None,
        pub_rand: None,
        messages: Vec::new(),
        hub_height: conviction.hub_height,
    };
    if let Proof::Votes { number, height, .. } = &conviction.proof {
        answer.consumer = consumer::id_of(deps.storage, *number)?;
        answer.height = Some(*height);
    }
    if let Proof::Key(secret) = &conviction.proof {
        answer.secret_key = (*secret).into();
        return Ok(answer);
    }
    let rules = Rules::load(deps.storage)?;
    if let Some((pub_rand, first, second)) = messages(deps.storage, env, &rules, &conviction.proof)? {
        let (provider, randomness) = (XOnly::from_bytes(fp.as_bytes())?, XOnly::from_bytes(&pub_rand)?);
        answer.pub_rand = Some(pub_rand.into());
        for signed in [&first, &second] {
            let message = Binary(signed.message.clone());
            answer.messages.push(SignedMessage { message, signature: signed.signature.to_bytes().into() });
        }
        let evidence = Evidence { provider, randomness, first, second };
        let secret = evidence.extract(&HostCurve::new(deps.api))?;
        answer.secret_key = (*secret.expose_secret()).into();
    }
    Ok(answer)
}
