//! Turning pre-signed transactions into ones that can be sent.

use staking_crypto::bip340::Signature;

use super::presigned::Presigned;
use super::request::StakeTerms;
use crate::keys::{CovenantKey, Covenants, ProviderKey, StakerKey};
use crate::script::{StakingPath, UnbondingPath};
use crate::timelock::UnbondingTime;
use crate::tx::Transaction;
use crate::tx::withdrawal::Withdrawable;
use crate::tx::witness::{self, LeakedKey, MemberAdaptorSignatures, SlashingSignatures, WitnessError};

/// Signatures that complete an unbonding transaction.
#[derive(Clone, Copy, Debug)]
pub struct UnbondingInput<'a> {
    /// Of the committee; surplus ones are left out.
    pub covenants: &'a [(CovenantKey, Signature)],
    /// Of the owner.
    pub stakers: &'a [(StakerKey, Signature)],
}

/// Which of a stake's outputs is slashed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SlashedOutput {
    /// The staking output.
    Staking,
    /// The unbonding output, if the stake was unbonded before.
    Unbonding,
}

/// What completes a slashing transaction.
#[derive(Clone, Copy)]
pub struct SlashingInput<'a> {
    /// The provider's key that was found out.
    pub leaked: &'a LeakedKey,
    /// A plain signature made with it over the transaction.
    pub provider: Signature,
    /// Adaptor signatures of members on this transaction.
    pub covenants: &'a [MemberAdaptorSignatures],
    /// The owner's signatures on this transaction, given at registration.
    pub stakers: &'a [(StakerKey, Signature)],
}

impl Presigned {
    /// Completes the unbonding transaction.
    ///
    /// # Errors
    /// [`WitnessError`] if a quorum is not reached or a key is foreign.
    pub fn complete_unbonding(
        &self,
        terms: &StakeTerms,
        covenants: &Covenants,
        input: &UnbondingInput<'_>,
    ) -> Result<Transaction, WitnessError> {
        let (output, path) = (&self.scripts().staking, StakingPath::Unbonding);
        let (leaf, block) = (output.leaf(path), output.control_block(path));
        let stack =
            witness::unbonding(covenants, input.covenants, &terms.stakers, input.stakers, leaf, &block)?;
        Ok(self.unbonding().with_witness(stack))
    }

    /// Completes a slashing transaction. The adaptor signatures must have been verified when they were given.
    ///
    /// # Errors
    /// [`WitnessError`] if a quorum is not reached or a key is foreign.
    pub fn complete_slashing(
        &self,
        output: SlashedOutput,
        terms: &StakeTerms,
        covenants: &Covenants,
        input: &SlashingInput<'_>,
    ) -> Result<Transaction, WitnessError> {
        let completed = input.leaked.decrypt(&terms.providers, input.covenants)?;
        let provider: (ProviderKey, Signature) = (input.leaked.provider(), input.provider);
        let signatures = SlashingSignatures { covenants: &completed, provider, stakers: input.stakers };
        let scripts = self.scripts();
        let (tx, leaf, block) = match output {
            SlashedOutput::Staking => (
                self.slashing(),
                scripts.staking.leaf(StakingPath::Slashing),
                scripts.staking.control_block(StakingPath::Slashing),
            ),
            SlashedOutput::Unbonding => (
                self.unbonding_slashing(),
                scripts.unbonding.leaf(UnbondingPath::Slashing),
                scripts.unbonding.control_block(UnbondingPath::Slashing),
            ),
        };
        let (providers, stakers) = (&terms.providers, &terms.stakers);
        let stack = witness::slashing(covenants, providers, stakers, &signatures, leaf, &block)?;
        Ok(tx.with_witness(stack))
    }

    /// Returns the stake as something to withdraw after its time.
    #[must_use]
    pub fn withdrawable_stake(&self, terms: &StakeTerms) -> Withdrawable {
        let stake = self.staking();
        Withdrawable::staking(stake.outpoint, stake.value, &self.scripts().staking, terms.staking_time)
    }

    /// Returns the unbonded stake as something to withdraw.
    #[must_use]
    pub fn withdrawable_unbonded(&self, unbonding_time: UnbondingTime) -> Withdrawable {
        let unbonding = self.unbonding();
        let output = &self.scripts().unbonding;
        Withdrawable::unbonding(unbonding.outpoint(), unbonding.value(), output, unbonding_time)
    }

    /// Returns what a slashing left as something to withdraw.
    #[must_use]
    pub fn withdrawable_change(&self, output: SlashedOutput, unbonding_time: UnbondingTime) -> Withdrawable {
        let slashing = match output {
            SlashedOutput::Staking => self.slashing(),
            SlashedOutput::Unbonding => self.unbonding_slashing(),
        };
        let change = &self.scripts().change;
        Withdrawable::change(slashing.change_outpoint(), slashing.change(), change, unbonding_time)
    }
}
