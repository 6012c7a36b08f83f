//! Registration of a delegation: every check of spec §5.2 from the raw staking transaction.
//!
//! The unbonding and slashing transactions follow from outpoint, value, keys and parameters, so they are
//! derived; a message that carries them nevertheless has them checked field by field.

use contract_host::HostCurve;
use contract_host::admin::require_running;
use contract_host::events::event;
use contract_host::headers::TipRecord;
use contract_host::peers::LightClient;
use cosmwasm_std::{Deps, DepsMut, Env, MessageInfo, Response, Storage};
use staking_api::events::DelegationRegistered;
use staking_api::parse::staker_signatures;
use staking_api::staking::{PreSignedTransactions, RegisterDelegation};
use staking_api::{Key, Txid};
use staking_protocol::context::Purpose;
use staking_protocol::delegation::{
    DelegationRequest, SighashSet, StakeTerms, check_terms, derive, verify_delegation,
    verify_staker_signatures,
};
use staking_protocol::possession::{ChainAddress, Possession};
use staking_protocol::timelock::UnbondingTime;
use staking_protocol::tx::slashing::SlashingPolicy;
use staking_protocol::tx::{OutPoint, Sat, StakingTx, StakingTxError, Transaction};

use super::activate::check_window;
use crate::error::StakingError;
use crate::inclusion::{fresh_tip, prove, require_no_reorg};
use crate::power::Changes;
use crate::state::config::{Config, light_client};
use crate::state::delegation::{self, Life, Multisig, Previous, Registration};
use crate::state::params::{self, Version};
use crate::state::provider::Provider;

pub(crate) mod expansion;

#[inline(never)]
pub(crate) fn run(
    deps: DepsMut<'_>,
    env: &Env,
    info: &MessageInfo,
    msg: &RegisterDelegation,
) -> Result<Response, StakingError> {
    require_running(deps.storage)?;
    let owner = ChainAddress::parse(info.sender.as_str())?;
    let terms = StakeTerms::try_from(msg)?;
    check_possession(deps.as_ref(), env, msg, &terms, &owner)?;
    check_providers(deps.storage, &msg.fp_pks)?;
    let light_client = light_client(deps.as_ref())?;
    let tip = light_client.tip(&deps.querier)?;
    let start = included_at(deps.as_ref(), env, &light_client, &tip, msg)?;
    let version = params::at_height(deps.storage, start.unwrap_or_else(|| tip.context.height()))?;
    let link = expansion::link(deps.storage, msg, &tip)?;
    let checked = check(deps.as_ref(), msg, &version, &terms)?;
    if Registration::exists(deps.storage, &checked.staking.txid().0) {
        return Err(StakingError::DelegationExists(checked.staking.txid().0.into()));
    }
    let previous = link.map(|link| link.check(deps.as_ref(), &owner, &terms, &version)).transpose()?;
    let registration = record(msg, &owner, &version, &tip, checked, previous)?;
    if let Some(start) = start {
        check_window(&registration, start, tip.context.height())?;
    }
    store(deps, &registration, start, info)
}

fn check_possession(
    deps: Deps<'_>,
    env: &Env,
    msg: &RegisterDelegation,
    terms: &StakeTerms,
    owner: &ChainAddress,
) -> Result<(), StakingError> {
    let config = Config::load(deps.storage)?;
    let domain = config.domain(Purpose::StakerPossession, env);
    let key = terms.stakers.primary();
    let curve = HostCurve::new(deps.api);
    Ok(Possession::try_from(&msg.pop)?.verify(&curve, &domain, key.x_only(), owner, config.network)?)
}

/// Providers must be open, and no two of them may serve the same consumer.
fn check_providers(storage: &dyn Storage, fps: &[Key]) -> Result<(), StakingError> {
    let mut served: Vec<(Key, String)> = Vec::new();
    for fp in fps {
        let provider = Provider::require(storage, fp)?;
        provider.require_open(storage, fp)?;
        for consumer in provider.consumers {
            if let Some((first, _)) = served.iter().find(|(other, id)| *id == consumer && other != fp) {
                return Err(StakingError::SameConsumer { first: *first, second: *fp, consumer });
            }
            served.push((*fp, consumer));
        }
    }
    Ok(())
}

/// Height of the block with the staking transaction, if the message proves it k deep.
fn included_at(
    deps: Deps<'_>,
    env: &Env,
    light_client: &LightClient,
    tip: &TipRecord,
    msg: &RegisterDelegation,
) -> Result<Option<u32>, StakingError> {
    let Some(proof) = &msg.inclusion else { return Ok(None) };
    if msg.expansion.is_some() {
        return Err(StakingError::ExpansionInclusion);
    }
    fresh_tip(light_client, &deps.querier, env)?;
    require_no_reorg(deps.storage, tip)?;
    let tx = Transaction::parse(&msg.staking_tx.0)?;
    let confirmed = prove(light_client, &deps.querier, proof, tx)?;
    confirmed.check_depth(tip.context.height(), tip.confirmation_depth)?;
    Ok(Some(confirmed.height()))
}

struct Checked {
    staking: StakingTx,
    sighashes: SighashSet,
    slashing_txs: Option<(Vec<u8>, Vec<u8>)>,
}

fn check(
    deps: Deps<'_>,
    msg: &RegisterDelegation,
    version: &Version,
    terms: &StakeTerms,
) -> Result<Checked, StakingError> {
    match &msg.transactions {
        Some(transactions) => check_sent(deps, msg, transactions, version, terms),
        None => check_derived(deps, msg, version, terms),
    }
}

fn check_sent(
    deps: Deps<'_>,
    msg: &RegisterDelegation,
    sent: &PreSignedTransactions,
    version: &Version,
    terms: &StakeTerms,
) -> Result<Checked, StakingError> {
    let params = &version.params;
    let (slashing, unbonding_slashing) = staker_signatures(msg)?;
    let unbonding = Transaction::parse(&sent.unbonding_tx.0)?;
    let paid = unbonding.outputs.first().map_or(Sat(0), |output| output.value);
    let unbonding_time = match sent.unbonding_time {
        Some(blocks) => UnbondingTime::new(u32::from(blocks))
            .map_err(staking_api::parse::ParseMessageError::StakingTime)?,
        None => params.unbonding_time(),
    };
    let request = DelegationRequest {
        terms,
        staking_tx: &msg.staking_tx.0,
        unbonding_time,
        unbonding_tx: &sent.unbonding_tx.0,
        unbonding_value: sent.unbonding_value_sat.map_or(paid, Sat),
        slashing_tx: &sent.slashing_tx.0,
        slashing_signatures: &slashing,
        unbonding_slashing_tx: &sent.unbonding_slashing_tx.0,
        unbonding_slashing_signatures: &unbonding_slashing,
    };
    let verified = verify_delegation(&HostCurve::new(deps.api), params, version.policy, &request)?;
    let keep = version.policy == SlashingPolicy::AtLeast;
    let raw = |tx: &Transaction| tx.serialize_stripped();
    let presigned = verified.presigned();
    let slashing_txs = keep.then(|| {
        (raw(presigned.slashing().transaction()), raw(presigned.unbonding_slashing().transaction()))
    });
    let sighashes = *verified.sighashes();
    Ok(Checked { staking: verified.staking().clone(), sighashes, slashing_txs })
}

fn check_derived(
    deps: Deps<'_>,
    msg: &RegisterDelegation,
    version: &Version,
    terms: &StakeTerms,
) -> Result<Checked, StakingError> {
    let (params, curve) = (&version.params, HostCurve::new(deps.api));
    check_terms(params, terms)?;
    let tx = Transaction::parse(&msg.staking_tx.0)?;
    let txid = tx.txid();
    let guess = (0u32..).zip(&tx.outputs).find(|(_, o)| o.value == terms.value && o.is_p2tr());
    let (vout, _) = guess.ok_or(StakingTxError::NoStakingOutput(terms.value))?;
    let mut presigned = derive(&curve, params, terms, OutPoint { txid, vout })?;
    let staking = StakingTx::find(tx, &presigned.scripts().staking.pk_script(), terms.value)?;
    if staking.outpoint().vout != vout {
        presigned = derive(&curve, params, terms, staking.outpoint())?;
    }
    let sighashes = presigned.sighashes();
    let (slashing, unbonding_slashing) = staker_signatures(msg)?;
    let verify = |which, digest, signatures: &[_]| {
        verify_staker_signatures(&curve, &terms.stakers, digest, signatures)
            .map_err(|error| StakingError::StakerSignature { which, error })
    };
    verify("slashing", &sighashes.slashing, &slashing)?;
    verify("unbonding slashing", &sighashes.unbonding_slashing, &unbonding_slashing)?;
    Ok(Checked { staking, sighashes, slashing_txs: None })
}

fn record(
    msg: &RegisterDelegation,
    owner: &ChainAddress,
    version: &Version,
    tip: &TipRecord,
    checked: Checked,
    previous: Option<Previous>,
) -> Result<Registration, StakingError> {
    let params = &version.params;
    let SighashSet { slashing, unbonding, unbonding_slashing, .. } = checked.sighashes;
    let signature = |payload| staking_api::parse::exact("signature", payload).copied();
    Ok(Registration {
        txid: checked.staking.txid().0,
        owner: owner.raw().to_vec(),
        version: version.number,
        registered: tip.context.height(),
        staker: msg.staker_pk.to_bytes(),
        fps: msg.fp_pks.iter().map(|fp| fp.to_bytes()).collect(),
        staking_time: msg.staking_time,
        unbonding_time: params.unbonding_time().blocks(),
        slash_rate: params.slashing().rate.ten_thousandths(),
        quorum: u8::try_from(params.covenants().quorum()).unwrap_or(u8::MAX),
        vout: checked.staking.outpoint().vout,
        value: msg.staking_value_sat,
        sighashes: [slashing.0, unbonding.0, unbonding_slashing.0],
        slashing_signature: signature(&msg.slashing_signature)?,
        unbonding_slashing_signature: signature(&msg.unbonding_slashing_signature)?,
        previous,
        multisig: multisig(msg)?,
        slashing_txs: checked.slashing_txs,
        staking_tx: checked.staking.transaction().serialize_stripped(),
    })
}

fn multisig(msg: &RegisterDelegation) -> Result<Option<Multisig>, StakingError> {
    let Some(multisig) = &msg.multisig else { return Ok(None) };
    let mut signatures = Vec::with_capacity(multisig.signatures.len());
    for other in &multisig.signatures {
        let slashing = *staking_api::parse::exact("slashing", &other.slashing)?;
        let unbonding_slashing = *staking_api::parse::exact("unbonding_slashing", &other.unbonding_slashing)?;
        signatures.push((other.staker_pk.to_bytes(), slashing, unbonding_slashing));
    }
    Ok(Some(Multisig {
        quorum: u8::try_from(multisig.quorum).unwrap_or(u8::MAX),
        keys: multisig.other_pks.iter().map(|key| key.to_bytes()).collect(),
        signatures,
    }))
}

fn store(
    deps: DepsMut<'_>,
    registration: &Registration,
    start: Option<u32>,
    info: &MessageInfo,
) -> Result<Response, StakingError> {
    registration.save(deps.storage)?;
    delegation::index(deps.storage, registration);
    if let Some(start) = start {
        let life = Life { start: Some(start), ..Life::default() };
        life.save(deps.storage, registration.id());
        let height = super::activate::expiry_height(registration, start);
        delegation::schedule_expiry(deps.storage, height, registration.id());
    }
    let mut changes = Changes::default();
    changes.event(event(&DelegationRegistered {
        txid: Txid::from_bytes(registration.txid),
        owner: info.sender.to_string(),
        staker_pk: registration.staker.into(),
        fp_pks: registration.fps.iter().map(|fp| (*fp).into()).collect(),
        value_sat: registration.value,
        params_version: u32::from(registration.version),
        previous_txid: registration.previous.as_ref().map(|p| p.txid.into()),
    }));
    changes.into_response(deps.as_ref())
}
