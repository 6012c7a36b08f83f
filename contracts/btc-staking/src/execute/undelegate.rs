//! A staking output was spent: by the unbonding transaction, a slashing, an expansion, or anything else (spec
//! §5.5). The staker's signature in the witness is the intent, so any depth will do; a reorg does not bring the
//! delegation back (trap C20).

use contract_host::HostCurve;
use contract_host::events::event;
use contract_host::headers::TipRecord;
use contract_host::peers::LightClient;
use contract_host::push::ToFinality;
use cosmwasm_std::{DepsMut, Env, Response};
use staking_api::events::{DelegationUnbonded, ProviderSlashed};
use staking_api::staking::{Spend, SpendKind, Status};
use staking_api::{Hash32, Key};
use staking_protocol::inclusion::Confirmed;
use staking_protocol::taproot::{NodeHash, leaf_hash};
use staking_protocol::tx::sighash::{Prevout, script_path};
use staking_protocol::tx::{Sat, StakeSpend, Transaction};

use super::activate::{check_ready, count};
use super::{batch, slash};
use crate::error::StakingError;
use crate::inclusion::{fresh_tip, prove, require_no_reorg};
use crate::power::Changes;
use crate::state::config::{FINALITY, light_client};
use crate::state::delegation::{self, Life, Registration, Spent};

mod leak;

#[inline(never)]
pub(crate) fn run(mut deps: DepsMut<'_>, env: &Env, items: &[Spend]) -> Result<Response, StakingError> {
    let light_client = light_client(deps.as_ref())?;
    let tip = fresh_tip(&light_client, &deps.querier, env)?;
    let mut leaks = Vec::new();
    let changes = batch::run(
        items,
        |item| item.txid.to_string(),
        |item, changes| {
            let leak = undelegate(deps.branch(), env, &light_client, &tip, item, changes)?;
            leaks.extend(leak);
            Ok(())
        },
    )?;
    let mut response = changes.into_response(deps.as_ref())?;
    for (fp_pk, secret_key) in leaks {
        if let Some(finality) = FINALITY.load(deps.as_ref())? {
            let msg = ToFinality::ProviderSlashed { fp_pk, secret_key };
            response = response.add_submessage(contract_host::outbox::send(finality.as_str(), &msg)?);
        }
    }
    Ok(response)
}

/// Returns the provider whose key the spend leaked, if it did.
#[inline(never)]
fn undelegate(
    mut deps: DepsMut<'_>,
    env: &Env,
    light_client: &LightClient,
    tip: &TipRecord,
    item: &Spend,
    changes: &mut Changes,
) -> Result<Option<(Key, Hash32)>, StakingError> {
    let registration = Registration::require(deps.storage, item.txid.as_bytes())?;
    let life = Life::load(deps.storage, registration.id())?;
    if life.spent.is_some() {
        return Err(StakingError::Status(Status::Unbonded));
    }
    let tx = Transaction::parse(&item.spending_tx.0)?;
    let input =
        StakeSpend::input_spending(&tx, registration.outpoint()).ok_or(StakingError::NotASpend(item.txid))?;
    let staking_tx = registration.transaction()?;
    let presigned = presigned(&registration, &staking_tx, &tx, input);
    verify_spend(&deps, &registration, staking_tx, presigned.as_ref(), (&tx, input), item)?;
    let kind = match presigned {
        Some((kind, _)) => kind,
        None => other_kind(&deps, &registration, &tx)?,
    };
    let confirmed = prove(light_client, &deps.querier, &item.proof, tx)?;
    let child = match kind {
        SpendKind::Expansion => ready_child(&deps, tip, &confirmed)?,
        _ => None,
    };
    let leak = match kind {
        SpendKind::Slashing => leak::find(deps.as_ref(), &registration, confirmed.tx(), input)?,
        _ => None,
    };
    end(deps.branch(), &registration, life, kind, &confirmed, changes)?;
    if let Some((child, life)) = child {
        count(deps.branch(), &child, life, confirmed.height(), changes)?;
    }
    let Some((fp, secret)) = leak else { return Ok(None) };
    let slashed: Option<ProviderSlashed> = slash::mark(deps, env, &fp)?;
    slashed.iter().for_each(|slashed| changes.event(event(slashed)));
    Ok(slashed.map(|_| (fp, secret)))
}

/// Checks the staker's signature over the spend, with all previous outputs.
#[inline(never)]
fn verify_spend(
    deps: &DepsMut<'_>,
    registration: &Registration,
    staking_tx: Transaction,
    presigned: Option<&(SpendKind, NodeHash)>,
    (tx, input): (&Transaction, usize),
    item: &Spend,
) -> Result<(), StakingError> {
    let script = staking_tx.output(registration.vout).map(|o| o.script.clone()).unwrap_or_default();
    let mut funding = vec![staking_tx];
    for raw in &item.funding_txs {
        funding.push(Transaction::parse(&raw.0)?);
    }
    let spend = StakeSpend { tx, input, funding: &funding };
    let (curve, stakers) = (HostCurve::new(deps.api), registration.stakers()?);
    if let Some((_, leaf)) = presigned {
        return Ok(spend.verify_for_leaf(&curve, leaf, &stakers)?);
    }
    let output = Prevout { value: Sat(registration.value), script: &script };
    Ok(spend.verify(&curve, registration.outpoint(), output, &stakers)?)
}

/// Recognises a pre-signed transaction by its digest, which commits to all of it, to the stake and to the leaf that
/// is returned.
#[inline(never)]
fn presigned(
    registration: &Registration,
    staking_tx: &Transaction,
    tx: &Transaction,
    input: usize,
) -> Option<(SpendKind, NodeHash)> {
    let ([input_of_stake], 0) = (tx.inputs.as_slice(), input) else { return None };
    let [.., script, _control_block] = input_of_stake.witness.as_slice() else { return None };
    let (output, leaf) = (staking_tx.output(registration.vout)?, leaf_hash(script));
    let digest = script_path(tx, input, &[Prevout::from(output)], &leaf).ok()?.0;
    let [slashing, unbonding, _] = registration.sighashes;
    let kinds = [(unbonding, SpendKind::Unbonding), (slashing, SpendKind::Slashing)];
    kinds.into_iter().find(|(known, _)| *known == digest).map(|(_, kind)| (kind, leaf))
}

/// What a spend is that was not pre-signed.
fn other_kind(
    deps: &DepsMut<'_>,
    registration: &Registration,
    tx: &Transaction,
) -> Result<SpendKind, StakingError> {
    let child = Registration::load(deps.storage, &tx.txid().0)?;
    let continues =
        |child: &Registration| child.previous.as_ref().is_some_and(|p| p.txid == registration.txid);
    Ok(if child.as_ref().is_some_and(continues) { SpendKind::Expansion } else { SpendKind::Unexpected })
}

/// The expansion, if it may count now. If it may not, the previous stake still ends (trap A20).
fn ready_child(
    deps: &DepsMut<'_>,
    tip: &TipRecord,
    confirmed: &Confirmed<Transaction>,
) -> Result<Option<(Registration, Life)>, StakingError> {
    let child = Registration::require(deps.storage, &confirmed.txid().0)?;
    let life = Life::load(deps.storage, child.id())?;
    let ready = check_ready(deps.storage, &child, &life, confirmed.height(), tip.context.height())
        .and_then(|()| require_no_reorg(deps.storage, tip));
    if ready.is_err() {
        return Ok(None);
    }
    confirmed.check_depth(tip.context.height(), tip.confirmation_depth)?;
    Ok(Some((child, life)))
}

#[inline(never)]
fn end(
    deps: DepsMut<'_>,
    registration: &Registration,
    life: Life,
    kind: SpendKind,
    confirmed: &Confirmed<Transaction>,
    changes: &mut Changes,
) -> Result<(), StakingError> {
    let id = registration.id();
    let txid = confirmed.txid().0;
    let derived = matches!(kind, SpendKind::Unbonding | SpendKind::Slashing);
    let spent = Spent { kind, height: confirmed.height(), other_txid: (!derived).then_some(txid) };
    Life { counted: false, spent: Some(spent), ..life }.save(deps.storage, id);
    if delegation::is_pending(deps.storage, id) {
        delegation::set_signed(deps.storage, id);
    }
    if life.counted {
        changes.power(deps.api, registration, false)?;
    }
    if life.announced {
        changes.vault_spent(registration, &spent, txid.into());
    }
    changes.event(event(&DelegationUnbonded {
        txid: registration.txid.into(),
        spend_txid: txid.into(),
        kind: kind_name(kind).to_string(),
        btc_height: spent.height,
    }));
    Ok(())
}

const fn kind_name(kind: SpendKind) -> &'static str {
    match kind {
        SpendKind::Unbonding => "unbonding",
        SpendKind::Slashing => "slashing",
        SpendKind::Expansion => "expansion",
        SpendKind::Unexpected => "unexpected",
    }
}
