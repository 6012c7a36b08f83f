//! `pop`: proofs of possession of the plain generation.

use staking_protocol::context::Domain;
use staking_protocol::possession::bip322::Simple;
use staking_protocol::possession::{Bip322Error, ChainAddress, Possession};

use crate::case::{Case, No, Out, ensure};
use crate::read::{Fields, hex, network, x_only};

pub(crate) fn pop(case: &Case<'_>, out: &mut Out) -> Result<(), No> {
    let input = case.input;
    let (sig_type, sig) = (input.small("sig_type")?, input.bytes("sig")?);
    out.set("validate_basic_ok", has_shape(sig_type, &sig));
    let proof = Possession::from_parts(sig_type, &sig);
    let from_proto = Possession::from_proto(&input.bytes("pop_proto")?);
    ensure(from_proto == proof, "protobuf and parts are read differently")?;
    if let (Some(address), Ok(Possession::Bip322(simple))) = (input.get("bip322_address"), &proof) {
        ensure(address == simple.address(), "address inside the signature is read differently")?;
    }
    let address = ChainAddress::parse(input.text("babylon_address")?)?;
    ensure(hex(address.raw()) == input.text("address_bytes")?, "address text and bytes differ")?;
    let key = x_only(input.at("pk")?)?;
    Ok(proof?.verify(&case.curve, &Domain::Plain, &key, &address, network(input)?)?)
}

/// What can be said without looking at keys: type known, length or outer message right.
fn has_shape(sig_type: u32, sig: &[u8]) -> bool {
    match sig_type {
        0 => sig.len() == 64,
        1 => !matches!(Simple::from_proto(sig), Err(Bip322Error::Wire(_))),
        2 => sig.len() == 65,
        _ => false,
    }
}
