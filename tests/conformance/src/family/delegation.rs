//! `delegation`, `delegation_status`, `params`.

use serde_json::Value;
use staking_protocol::context::Domain;
use staking_protocol::delegation::{
    DelegationFacts, DelegationRequest, Inclusion, StakeTerms, VerifiedDelegation, verify_delegation,
};
use staking_protocol::params::{Params, version_for_height};
use staking_protocol::possession::{ChainAddress, Possession};
use staking_protocol::timelock::{StakingTime, UnbondingTime};
use staking_protocol::tx::slashing::SlashingPolicy;

use crate::case::{Case, No, Out, ensure, refuse};
use crate::read::{
    Fields, hex, int, network, providers, raw_params, sat, signature, stakers, transaction, x_only,
};

pub(crate) fn delegation(case: &Case<'_>, out: &mut Out) -> Result<(), No> {
    let input = case.input;
    out.set("failed_stage", "parse");
    let message = Message::parse(input)?;
    out.set("failed_stage", "pop");
    message.check_possession(case)?;
    out.set("failed_stage", "params");
    let params = raw_params(input.at("params")?)?.check()?;
    let verified = message.verify(case, &params)?;
    out.set("staking_output_idx", verified.staking_output_idx());
    out.set("staking_txid", verified.staking_txid().to_string());
    out.set("slashing_sighash", hex(verified.sighashes().slashing.0));
    out.set("unbonding_slashing_sighash", hex(verified.sighashes().unbonding_slashing.0));
    Ok(())
}

/// What can be read without parameters.
struct Message<'a> {
    input: &'a Value,
    terms: StakeTerms,
    unbonding_time: UnbondingTime,
    possession: (u32, Vec<u8>),
}

impl<'a> Message<'a> {
    fn parse(input: &'a Value) -> Result<Self, No> {
        let providers = providers(input)?;
        ensure(providers.keys().len() == 1, "more than one provider")?;
        for name in ["staking_tx", "unbonding_tx", "slashing_tx", "unbonding_slashing_tx"] {
            transaction(input.at(name)?)?;
        }
        for name in ["slashing_sig", "unbonding_slashing_sig"] {
            signature(input.at(name)?)?;
        }
        for name in ["staking_value", "unbonding_value"] {
            ensure(sat(input, name)?.0 > 0, "a value is not positive")?;
        }
        let Some(pop) = input.get("pop_sig").filter(|sig| !sig.is_null()) else {
            return refuse("no proof of possession");
        };
        let terms = StakeTerms {
            stakers: stakers(input)?,
            providers,
            staking_time: StakingTime::new(input.small("staking_time")?)?,
            value: sat(input, "staking_value")?,
        };
        let unbonding_time = UnbondingTime::new(input.small("unbonding_time")?)?;
        let possession = (input.small("pop_type")?, crate::read::bytes(pop)?);
        Ok(Self { input, terms, unbonding_time, possession })
    }

    fn check_possession(&self, case: &Case<'_>) -> Result<(), No> {
        let proof = Possession::from_parts(self.possession.0, &self.possession.1)?;
        let address = ChainAddress::parse(self.input.text("staker_addr")?)?;
        let key = x_only(self.input.at("staker_pk")?)?;
        Ok(proof.verify(&case.curve, &Domain::Plain, &key, &address, network(self.input)?)?)
    }

    fn verify(&self, case: &Case<'_>, params: &Params) -> Result<VerifiedDelegation, No> {
        let input = self.input;
        let signer = self.terms.stakers.primary();
        let request = DelegationRequest {
            terms: &self.terms,
            staking_tx: &input.bytes("staking_tx")?,
            unbonding_time: self.unbonding_time,
            unbonding_tx: &input.bytes("unbonding_tx")?,
            unbonding_value: sat(input, "unbonding_value")?,
            slashing_tx: &input.bytes("slashing_tx")?,
            slashing_signatures: &[(signer, signature(input.at("slashing_sig")?)?)],
            unbonding_slashing_tx: &input.bytes("unbonding_slashing_tx")?,
            unbonding_slashing_signatures: &[(signer, signature(input.at("unbonding_slashing_sig")?)?)],
        };
        Ok(verify_delegation(&case.curve, params, SlashingPolicy::AtLeast, &request)?)
    }
}

pub(crate) fn status(case: &Case<'_>, out: &mut Out) -> Result<(), No> {
    let input = case.input;
    let expansion = if input.flag("is_stake_expansion")? {
        Some((input.small("previous_covenant_sigs")?, input.small("previous_quorum")?))
    } else {
        None
    };
    let facts = DelegationFacts {
        unbonded_early: input.flag("unbonded_early")?,
        covenant_signatures: input.small("covenant_sigs")?,
        quorum: input.small("covenant_quorum")?,
        expansion,
        inclusion: Inclusion::from_heights(input.small("start_height")?, input.small("end_height")?),
        unbonding_time: u16::try_from(input.small("unbonding_time")?)
            .or_else(|_| refuse("unbonding time"))?,
    };
    let tip = input.small("btc_height")?;
    out.set("status", facts.status(tip).name());
    out.set("voting_power", facts.voting_power(tip, sat(input, "total_sat")?).0);
    Ok(())
}

pub(crate) fn params(case: &Case<'_>, out: &mut Out) -> Result<(), No> {
    let input = case.input;
    let number = |value: &Value| int(value).ok_or_else(|| No::Broken(format!("no height: {value}")));
    let starts = input.list("version_start_heights")?.iter().map(number).collect::<Result<Vec<_>, _>>()?;
    match version_for_height(&starts, input.int("query_height")?) {
        Ok(version) => out.set("version", version),
        Err(_) => ensure(case.expected.get("version").is_none(), "no version for the height")?,
    }
    ensure(
        case.expected.get("version_err").is_none() || out.0.get("version").is_none(),
        "a version where there is none",
    )
    .map_err(|no| No::Broken(no.to_string()))?;
    let params = raw_params(input.at("params")?)?.check()?;
    ensure(Params::unpack(&params.pack())? == params, "stored form does not read back")
}
