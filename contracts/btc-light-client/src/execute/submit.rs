//! Taking headers in.
//!
//! Known headers are skipped; headers before an invalid one stay. The message fails only if it brings nothing.

use contract_host::admin::require_running;
use contract_host::events::EmitExt;
use cosmwasm_std::{DepsMut, Env, MessageInfo, Response, Storage, to_json_binary};
use staking_api::events::{HeaderRefused, HeadersAccepted, Reorg as ReorgEvent};
use staking_api::light_client::{Reorg, SubmitHeadersResponse};
use staking_protocol::header::{Header, HeaderError};

use crate::chain::{Chain, Step, StepError};
use crate::error::LightClientError;
use crate::query::block_of;
use crate::state::{Settings, load_reporters};

pub(crate) fn run(
    deps: DepsMut<'_>,
    env: &Env,
    info: &MessageInfo,
    raw: &[u8],
    limit: Option<u32>,
) -> Result<Response, LightClientError> {
    require_running(deps.storage)?;
    let settings = Settings::load(deps.storage)?;
    require_reporter(deps.storage, info, &settings)?;
    let headers = Header::list(raw).map_err(|error| LightClientError::Header { position: 0, error })?;
    if headers.len() == 0 {
        return Err(LightClientError::Empty);
    }
    let now = (env.block.time.seconds(), env.block.height);
    let mut chain = Chain::load(deps.storage, settings, now)?;
    let batch = take(&mut chain, headers, limit.unwrap_or(u32::MAX));
    if batch.accepted == 0 {
        return Err(batch.refused.map_or(LightClientError::NothingNew(batch.consumed), |(_, error)| error));
    }
    let tip = chain.flush();
    respond(batch, block_of(&tip.context))
}

fn require_reporter(
    storage: &dyn Storage,
    info: &MessageInfo,
    settings: &Settings,
) -> Result<(), LightClientError> {
    let allowed = !settings.restricted || load_reporters(storage)?.iter().any(|r| *r == info.sender.as_str());
    if allowed { Ok(()) } else { Err(LightClientError::NotAReporter(info.sender.clone())) }
}

#[derive(Default)]
struct Batch {
    consumed: u32,
    accepted: u32,
    reorgs: Vec<Reorg>,
    refused: Option<(u32, LightClientError)>,
}

fn take<'a>(chain: &mut Chain<'_>, headers: impl Iterator<Item = Header<'a>>, limit: u32) -> Batch {
    let mut batch = Batch::default();
    for header in headers {
        if batch.accepted >= limit {
            break;
        }
        let position = batch.consumed;
        batch.consumed = batch.consumed.saturating_add(1);
        match chain.step(header) {
            Ok(Step::Known) => continue,
            Ok(Step::Reorged(reorg)) => batch.reorgs.push(reorg),
            Ok(Step::Extended | Step::Side) => {}
            Err(error) => {
                batch.refused = Some((position, refusal(position, error)));
                break;
            }
        }
        batch.accepted = batch.accepted.saturating_add(1);
    }
    batch
}

fn refusal(position: u32, error: StepError) -> LightClientError {
    match error {
        StepError::Header(error) => LightClientError::Header { position, error },
        StepError::UnknownParent(parent) => {
            LightClientError::UnknownParent { position, parent: parent.to_bytes().into() }
        }
        StepError::ForkTooDeep { fork_height, max } => {
            LightClientError::ForkTooDeep { position, fork_height, max }
        }
        StepError::TooManySideHeaders(max) => LightClientError::TooManySideHeaders { position, max },
        StepError::Corrupt(error) => error.into(),
    }
}

fn respond(batch: Batch, tip: staking_api::light_client::Block) -> Result<Response, LightClientError> {
    let mut response = Response::new();
    for reorg in &batch.reorgs {
        let Reorg { number: deep, fork_height, old_height, new_height, .. } = *reorg;
        response = response.emit(&ReorgEvent { fork_height, old_height, new_height, deep });
    }
    response = response.emit(&HeadersAccepted {
        accepted: batch.accepted,
        tip_height: tip.height,
        tip_hash: tip.hash,
    });
    if let Some((position, reason)) = &batch.refused {
        response = response.emit(&HeaderRefused { position: *position, reason: reason.to_string() });
    }
    let (consumed, accepted) = (batch.consumed, batch.accepted);
    let refused = batch.refused.map(|(_, error)| error.to_string());
    let data = to_json_binary(&SubmitHeadersResponse { consumed, accepted, tip, refused })?;
    Ok(response.set_data(data))
}

impl From<HeaderError> for LightClientError {
    fn from(error: HeaderError) -> Self {
        Self::Header { position: 0, error }
    }
}
