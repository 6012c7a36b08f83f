//! A delegation: a registered stake with its pre-signed transactions, its covenant and its life (spec §5, §6).
//!
//! [`verify_delegation`] turns a request into a [`VerifiedDelegation`], the only form from which covenant signatures are
//! made or checked. Because the pre-signed transactions follow from (outpoint, value, keys, parameters), a chain may
//! rebuild them with [`derive()`] instead of receiving or storing them.
//!
//! Not here: proofs of possession ([`crate::possession`]), inclusion ([`crate::inclusion`]), and everything that needs
//! other records, such as whether a provider is known.

mod complete;
mod covenant;
mod expansion;
mod life;
mod presigned;
mod request;
mod status;

pub use complete::{SlashedOutput, SlashingInput, UnbondingInput};
pub use covenant::{
    CovenantSignatures, CovenantSignaturesError, SighashSet, check_covenant_signatures,
    check_unbonding_signature,
};
pub use expansion::{ExpansionRequestError, PreviousStake, VerifiedExpansion, verify_expansion};
pub use life::{Ended, IllegalMove, Life, Move, PowerChange};
pub use presigned::{DeriveError, Presigned, derive, derive_slashing_tx, derive_unbonding_tx};
pub use request::{
    DelegationError, DelegationRequest, StakeTerms, StakerSignatures, StakerSignaturesError, TermsError,
    VerifiedDelegation, check_terms, verify_delegation, verify_derived_delegation, verify_staker_signatures,
};
pub use status::{DelegationFacts, Inclusion, Status};
