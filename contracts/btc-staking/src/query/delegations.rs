//! Delegations as programs need them: with everything to rebuild and to spend them.

use contract_host::pack::CorruptState;
use contract_host::page::PageLimit;
use contract_host::store;
use cosmwasm_std::Deps;
use staking_api::staking::{
    Delegation, DelegationFilter, Delegations, MemberSignatures, MultisigStaker, SignaturesOf, SpendKind,
    SpendRecord, StakerSignatures, Status,
};
use staking_api::{Binary, Key, Txid};
use staking_protocol::delegation::{Presigned, derive};
use staking_protocol::tx::Transaction;

use super::host_curve;
use crate::error::StakingError;
use crate::power::humanize;
use crate::state::config::light_client;
use crate::state::delegation::{Id, Life, Registration, Spent, provider_prefix};
use crate::state::params::{self, member_index};
use crate::state::prefix;
use crate::state::signatures::{self, signers};
use crate::status::{inclusion, status};

/// Records that one query looks at, at most.
const SCAN: usize = 200;

pub(super) fn one(deps: Deps<'_>, txid: &Txid) -> Result<Option<Delegation>, StakingError> {
    let registration = Registration::load(deps.storage, txid.as_bytes())?;
    let tip = tip(deps)?;
    registration.map(|registration| describe(deps, &registration, tip)).transpose()
}

fn tip(deps: Deps<'_>) -> Result<u32, StakingError> {
    Ok(light_client(deps)?.tip(&deps.querier)?.context.height())
}

fn raw(tx: &Transaction) -> Binary {
    Binary(tx.serialize_stripped())
}

fn describe(deps: Deps<'_>, registration: &Registration, tip: u32) -> Result<Delegation, StakingError> {
    let life = Life::load(deps.storage, registration.id())?;
    let (signers, _) = signers(deps.storage, registration.id())?;
    let version = params::load(deps.storage, registration.version)?;
    let presigned =
        derive(&host_curve(&deps), &version.params, &registration.terms()?, registration.outpoint())?;
    let (slashing_tx, unbonding_slashing_tx) = match &registration.slashing_txs {
        Some((slashing, unbonding_slashing)) => {
            (Binary(slashing.clone()), Binary(unbonding_slashing.clone()))
        }
        None => (raw(presigned.slashing().transaction()), raw(presigned.unbonding_slashing().transaction())),
    };
    let inclusion = inclusion(registration, &life);
    let spend = life.spent.map(|spent| spend_record(&spent, &presigned, &slashing_tx)).transpose()?;
    Ok(Delegation {
        txid: registration.txid.into(),
        status: status(deps.storage, registration, &life, signers, tip)?,
        owner: humanize(deps.api, &registration.owner)?,
        staker_pk: registration.staker.into(),
        multisig: multisig(registration),
        fp_pks: registration.fps.iter().map(|fp| (*fp).into()).collect(),
        staking_tx: Binary(registration.staking_tx.clone()),
        staking_output_index: registration.vout,
        value_sat: registration.value,
        staking_time: registration.staking_time,
        unbonding_time: registration.unbonding_time,
        params_version: u32::from(registration.version),
        registered_btc_height: registration.registered,
        unbonding_tx: raw(presigned.unbonding().transaction()),
        slashing_tx,
        unbonding_slashing_tx,
        slashing_signature: Binary(registration.slashing_signature.to_vec()),
        unbonding_slashing_signature: Binary(registration.unbonding_slashing_signature.to_vec()),
        covenant_signers: signers.count(),
        covenant_quorum: u32::from(registration.quorum),
        start_height: inclusion.map(|i| i.start),
        end_height: inclusion.map(|i| i.end),
        counted: life.counted,
        spend,
        previous_txid: registration.previous.as_ref().map(|p| p.txid.into()),
        funding_output: registration.previous.as_ref().map(|p| Binary(p.funding_output.clone())),
    })
}

/// The spend, with the txid of pre-signed transactions derived.
fn spend_record(
    spent: &Spent,
    presigned: &Presigned,
    slashing_tx: &Binary,
) -> Result<SpendRecord, StakingError> {
    let txid = match (spent.kind, spent.other_txid) {
        (_, Some(txid)) => txid,
        (SpendKind::Slashing, None) => Transaction::parse(&slashing_tx.0)?.txid().0,
        (_, None) => presigned.unbonding().transaction().txid().0,
    };
    Ok(SpendRecord { txid: txid.into(), kind: spent.kind, btc_height: spent.height })
}

fn multisig(registration: &Registration) -> Option<MultisigStaker> {
    let multisig = registration.multisig.as_ref()?;
    let signatures = multisig.signatures.iter().map(|(key, slashing, unbonding)| StakerSignatures {
        staker_pk: (*key).into(),
        slashing: Binary(slashing.to_vec()),
        unbonding_slashing: Binary(unbonding.to_vec()),
    });
    Some(MultisigStaker {
        other_pks: multisig.keys.iter().map(|key| (*key).into()).collect(),
        quorum: u32::from(multisig.quorum),
        signatures: signatures.collect(),
    })
}

/// Walks over records behind a prefix whose keys end in a delegation's id.
fn scan(
    deps: Deps<'_>,
    prefix: &[u8],
    after: Option<Txid>,
    limit: PageLimit,
    keep: impl Fn(&Registration, &Delegation) -> bool,
) -> Result<Delegations, StakingError> {
    let tip = tip(deps)?;
    let after = after.map(|txid| Id::of(txid.as_bytes()));
    let ids: Result<Vec<Id>, CorruptState> =
        store::page(deps.storage, prefix, after.as_ref().map(|id| &id.0[..]), SCAN)
            .map(|(key, _)| Id::from_slice(&key))
            .collect();
    let ids = ids?;
    let mut delegations = Vec::new();
    let mut next = None;
    let mut complete = ids.len() < SCAN;
    for id in ids {
        if delegations.len() >= limit.get() {
            complete = false;
            break;
        }
        let registration = Registration::load_by_id(deps.storage, id)?.ok_or(CorruptState("index"))?;
        let described = describe(deps, &registration, tip)?;
        next = Some(described.txid);
        if keep(&registration, &described) {
            delegations.push(described);
        }
    }
    Ok(Delegations { delegations, next: next.filter(|_| !complete) })
}

pub(super) fn list(
    deps: Deps<'_>,
    filter: &DelegationFilter,
    after: Option<Txid>,
    limit: PageLimit,
) -> Result<Delegations, StakingError> {
    let prefix = match (&filter.fp_pk, filter.status) {
        (Some(fp), _) => provider_prefix(fp.as_bytes()),
        (None, Some(Status::Pending)) => vec![prefix::PENDING],
        (None, _) => vec![prefix::REGISTRATION],
    };
    scan(deps, &prefix, after, limit, |registration, described| {
        filter.owner.as_ref().is_none_or(|owner| *owner == described.owner)
            && filter.staker_pk.is_none_or(|key| key == described.staker_pk)
            && filter.fp_pk.is_none_or(|key| registration.fps.contains(key.as_bytes()))
            && filter.status.is_none_or(|status| status == described.status)
    })
}

pub(super) fn pending(
    deps: Deps<'_>,
    member: &Key,
    after: Option<Txid>,
    limit: PageLimit,
) -> Result<Delegations, StakingError> {
    scan(deps, &[prefix::PENDING], after, limit, |registration, described| {
        let index = member_index(deps.storage, registration.version, member.as_bytes());
        let signed = |index| signers(deps.storage, registration.id()).is_ok_and(|(s, _)| s.has(index));
        described.status == Status::Pending && index.is_some_and(|index| !signed(index))
    })
}

pub(super) fn signatures_of(deps: Deps<'_>, txid: &Txid) -> Result<SignaturesOf, StakingError> {
    let registration = Registration::require(deps.storage, txid.as_bytes())?;
    let version = params::load(deps.storage, registration.version)?;
    let committee = version.params.covenants().keys();
    let mut members = Vec::new();
    for record in signatures::all(deps.storage, registration.id(), registration.fps.len())? {
        let member = committee.get(usize::from(record.member)).ok_or(CorruptState("covenant signatures"))?;
        let adaptors = |list: &[[u8; 65]]| list.iter().map(|s| Binary(s.to_vec())).collect();
        members.push(MemberSignatures {
            covenant_pk: member.to_bytes().into(),
            slashing: adaptors(&record.slashing),
            unbonding: Binary(record.unbonding.to_vec()),
            unbonding_slashing: adaptors(&record.unbonding_slashing),
            expansion: record.expansion.map(|s| Binary(s.to_vec())),
        });
    }
    Ok(SignaturesOf { members, quorum: u32::from(registration.quorum) })
}
