//! Step 8: A releases, unbonds on demand and withdraws; B withdraws what slashing left.

use super::mesh::{stake_info, vault_account};
use super::stakes::hub_params;
use super::{Holder, UNBONDING};
use crate::keys;
use crate::report::ExitReport;
use crate::stage::{Cast, Stage, Staked, nudge};
use anyhow::{Context, Result};
use mesh_bridge::convert::to_node;
use mesh_bridge::tracker::Tracker;
use staker::leave::{self, Source};
use staking_api::Coin;
use staking_api::mesh::external::ExecuteMsg as ExternalExecute;
use staking_api::staking::Status;
use staking_clients::bitcoin::BitcoinSource;
use staking_protocol::params::Params;
use staking_protocol::tx::Sat;

/// Fee of a withdrawal.
const FEE: Sat = Sat(500);

/// Both holders come home.
pub(super) fn leave(
    stage: &Stage<'_>,
    cast: &mut Cast<'_>,
    holders: &mut [Holder; 2],
    stakes: &mut [Staked],
) -> Result<ExitReport> {
    cast.narrator.step(
        "exit",
        "A releases the lien, unbonds through the covenant-signed transaction and withdraws; B withdraws the rest.",
    );
    let params = hub_params(cast)?;
    let [a, b] = holders;
    let [stake_a, stake_b] = stakes else { anyhow::bail!("two stakes are in the story") };
    release(stage, cast, stake_a)?;
    let unbonding_txid = unbond(stage, cast, &params, a, stake_a)?;
    stage.mine(UNBONDING)?;
    let first = withdraw(stage, cast, &params, a, stake_a, Source::Unbonding)?;
    let second = withdraw(stage, cast, &params, b, stake_b, Source::SlashingChange)?;
    stage.mine(1)?;
    cast.narrator.tell(format!("A withdraws with {first}"));
    cast.narrator.tell(format!("B withdraws with {second}"));
    Ok(ExitReport { unbonding_txid, withdraw_txids: vec![first, second] })
}

/// Takes A's stake out of the mesh in good order: unstake, wait, release.
fn release(stage: &Stage<'_>, cast: &Cast<'_>, stake: &Staked) -> Result<()> {
    let account = stage.hub_writer(stake.owner)?;
    let (user, validator) = (account.address(), stage.validator()?.operator);
    let external = &cast.deployed.external;
    let amount = Coin::new(u128::from(stake.amount), "sat");
    account.execute(external, &ExternalExecute::Unstake { validator: validator.clone(), amount }, &[])?;
    stage.wait("the unstake's acknowledgement", || {
        Ok((stake_info(stage, cast, &user, &validator)?.stake.h.0 == 0).then_some(()))
    })?;
    stage.wait("the release of the lien", || {
        // Refused while nothing has matured.
        nudge(&account, external, &ExternalExecute::WithdrawUnbonded {})?;
        Ok((vault_account(stage, cast, &user)?.1 == 0).then_some(()))
    })?;
    cast.narrator.tell("A's lien is released");
    Ok(())
}

fn unbond(
    stage: &Stage<'_>,
    cast: &Cast<'_>,
    params: &Params,
    holder: &Holder,
    stake: &mut Staked,
) -> Result<String> {
    let hub = cast.hub();
    let delegation = hub.delegation(stake.txid)?.context("not registered")?;
    let verified = leave::verify(&delegation, params, &holder.key)?;
    let signatures = hub.signatures(stake.txid)?;
    let aux = keys::aux(stage.seed, "unbond");
    let tx = leave::unbond(&verified, &signatures, params, &holder.key, &aux)?;
    let txid = stage.clients.bitcoin.broadcast(&to_node(&tx)?)?;
    stage.mine(1)?;
    stage.relay_headers(&cast.relayer, &cast.deployed.bitcoin.light_client)?;
    Tracker::new(&stage.clients.bitcoin, cast.hub()).round()?;
    let status = stage.status(&cast.hub(), stake.txid)?;
    stake.note(status);
    anyhow::ensure!(status == Status::Unbonded, "stake {} is {status:?} after unbonding", stake.txid);
    cast.narrator.tell(format!("A unbonds with {txid}"));
    Ok(txid.to_string())
}

fn withdraw(
    stage: &Stage<'_>,
    cast: &Cast<'_>,
    params: &Params,
    holder: &mut Holder,
    stake: &mut Staked,
    source: Source,
) -> Result<String> {
    let delegation = cast.hub().delegation(stake.txid)?.context("not registered")?;
    let verified = leave::verify(&delegation, params, &holder.key)?;
    let from = leave::withdrawable(&verified, params, source);
    let destination = holder.script();
    let aux = keys::aux(stage.seed, "withdraw");
    let tx = leave::withdraw(&verified, from, destination.as_bytes(), FEE, &holder.key, &aux)?;
    let txid = stage.clients.bitcoin.broadcast(&to_node(&tx)?)?;
    stake.states.push("withdrawn".to_owned());
    Ok(txid.to_string())
}
