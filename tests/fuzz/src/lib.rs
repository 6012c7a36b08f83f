//! What every parser must hold to on any bytes: it never panics, and what it accepts it writes back.
//!
//! A target is a function here, so that the fuzzer and an ordinary test (`tests/vectors.rs`, which feeds the
//! vector files through all of them) run the same code.

mod chain;
mod messages;
mod patched;
mod schemes;
mod stakes;

pub use chain::{bls, checkpoint, finality, header_batch, inclusion_proof};
pub use messages::{api_json, mesh_json, params_json, possession, signer_wire};
pub use patched::{registration, spend};
pub use schemes::{adaptor_signature, scheme_bytes};
pub use stakes::{op_return, packed_params, psbt, transaction, witness};

/// A target.
pub type Target = fn(&[u8]);

/// All targets by name.
pub const TARGETS: &[(&str, Target)] = &[
    ("adaptor_signature", adaptor_signature),
    ("scheme_bytes", scheme_bytes),
    ("transaction", transaction),
    ("op_return", op_return),
    ("header_batch", header_batch),
    ("inclusion_proof", inclusion_proof),
    ("possession", possession),
    ("witness", witness),
    ("params_json", params_json),
    ("packed_params", packed_params),
    ("finality", finality),
    ("api_json", api_json),
    ("mesh_json", mesh_json),
    ("signer_wire", signer_wire),
    ("checkpoint", checkpoint),
    ("psbt", psbt),
    ("registration", registration),
    ("spend", spend),
    ("bls", bls),
];

/// Takes `N` bytes off the front.
pub(crate) fn take<const N: usize>(data: &mut &[u8]) -> Option<[u8; N]> {
    let (head, rest) = data.split_first_chunk()?;
    *data = rest;
    Some(*head)
}
