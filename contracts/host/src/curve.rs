//! The curve backend of a contract: one host call, `secp256k1_recover_pubkey`, answers `sG − eP`.
//!
//! Nothing is multiplied in wasm but scalars. The host returns `r⁻¹(s′X − zG)`; what it cannot express is
//! refused before the call (see [`staking_crypto::curve::RecoveryOperands`]), and a key off the curve or a
//! result at infinity comes back as a host error, which means "not valid" here.

use cosmwasm_std::Api;
use staking_crypto::curve::RecoveryOperands;
use staking_crypto::ecdsa::RecoverableSignature;
use staking_crypto::{Curve, CurveError, Point, Scalar, XOnly};

/// The host's secp256k1, borrowed for one call of the contract.
#[derive(Clone, Copy)]
pub struct HostCurve<'a>(&'a dyn Api);

impl<'a> HostCurve<'a> {
    /// Borrows `deps.api`.
    #[must_use]
    pub fn new(api: &'a dyn Api) -> Self {
        Self(api)
    }

    fn recover(&self, digest: &[u8; 32], signature: &[u8; 64], odd: bool) -> Result<Point, CurveError> {
        let answer = self.0.secp256k1_recover_pubkey(digest, signature, u8::from(odd));
        match <[u8; 65]>::try_from(answer.map_err(|_| CurveError::NoPoint)?) {
            Ok([0x04, xy @ ..]) => Ok(Point::assume_on_curve(&xy)),
            _ => Err(CurveError::NoPoint),
        }
    }
}

impl Curve for HostCurve<'_> {
    fn s_g_minus_e_p(&self, s: &Scalar, e: &Scalar, p: &XOnly) -> Result<Point, CurveError> {
        let operands = RecoveryOperands::new(s, e, p)?;
        self.recover(&operands.z, &operands.signature(), false)
    }

    fn recover_ecdsa(
        &self,
        digest: &[u8; 32],
        signature: &RecoverableSignature,
    ) -> Result<Point, CurveError> {
        self.recover(digest, &signature.to_bytes(), signature.is_nonce_odd())
    }
}
