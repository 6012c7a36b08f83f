//! Messages: JSON of the contracts, protobuf of proofs of possession and of the signer.

use serde_json::from_slice;
use staking_api::mesh::{
    btc_vault, converter, custody, external, native, packet, price, registry, vault, virtual_staking,
};
use staking_api::{finality, hex, light_client, signer, staking};
use staking_crypto::XOnly;
use staking_crypto::curve::Libsecp;
use staking_protocol::context::{Context, Domain};
use staking_protocol::delegation::{CovenantSignatures, StakeTerms};
use staking_protocol::header::Network;
use staking_protocol::params::{Decimal, Params, ParamsUnchecked};
use staking_protocol::possession::{ChainAddress, Possession};
use staking_protocol::tx::slash_amount::SlashingRate;

/// Proofs of possession as protobuf and of each type, and chain addresses.
pub fn possession(data: &[u8]) {
    let address = "bbn1d0py0jnvuhjaguzqt4vy57nt9tdsdt7xd2066t";
    let address = ChainAddress::parse(address).expect("a valid address");
    let parsed = (0..4).map(|kind| Possession::from_parts(kind, data)).chain([Possession::from_proto(data)]);
    for proof in parsed.flatten() {
        let _ = proof.verify(&Libsecp, &Domain::Plain, &XOnly::GENERATOR, &address, Network::Mainnet);
    }
    if let Ok(text) = core::str::from_utf8(data) {
        if let Ok(address) = ChainAddress::parse(text) {
            assert_eq!(address.text(), text);
        }
        if let Some(context) = Context::from_text(text) {
            assert_eq!(context.as_text(), text);
        }
    }
}

/// Parameters as JSON, and the decimals in them.
pub fn params_json(data: &[u8]) {
    if let Ok(text) = core::str::from_utf8(data) {
        let _ = SlashingRate::parse(text);
        if let Ok(decimal) = Decimal::parse(text) {
            assert_eq!(Decimal::parse(&decimal.to_string()), Ok(decimal));
        }
    }
    let Ok(raw) = from_slice::<ParamsUnchecked>(data) else { return };
    if let Ok(checked) = raw.check() {
        assert_eq!(Params::unpack(&checked.pack()).as_ref(), Ok(&checked));
        assert_eq!(checked.to_unchecked().check().as_ref(), Ok(&checked));
    }
}

/// Votes, evidence, registrations and headers as the contracts receive them.
pub fn api_json(data: &[u8]) {
    let _ = from_slice::<light_client::ExecuteMsg>(data);
    if let Ok(message) = from_slice::<finality::ExecuteMsg>(data) {
        round_trip(&message);
    }
    if let Ok(message) = from_slice::<staking::ExecuteMsg>(data) {
        round_trip(&message);
    }
    if let Ok(message) = from_slice::<staking::RegisterDelegation>(data) {
        let _ = StakeTerms::try_from(&message);
    }
    if let Ok(message) = from_slice::<staking::CovenantSignatures>(data) {
        let _ = CovenantSignatures::try_from(&message);
    }
    if let Ok(message) = from_slice::<staking::ProofOfPossession>(data) {
        let _ = Possession::try_from(&message);
    }
}

/// Packets between chains, and the messages of the mesh's contracts.
pub fn mesh_json(data: &[u8]) {
    read::<packet::ChannelVersion>(data);
    read::<packet::ProviderPacket>(data);
    read::<packet::ConsumerPacket>(data);
    read::<packet::Ack>(data);
    read::<btc_vault::ExecuteMsg>(data);
    read::<converter::ExecuteMsg>(data);
    read::<custody::ExecuteMsg>(data);
    read::<external::ExecuteMsg>(data);
    read::<native::ExecuteMsg>(data);
    read::<native::SudoMsg>(data);
    read::<price::ExecuteMsg>(data);
    read::<registry::ExecuteMsg>(data);
    read::<vault::ExecuteMsg>(data);
    read::<virtual_staking::ExecuteMsg>(data);
    read::<virtual_staking::SudoMsg>(data);
    let Ok(text) = core::str::from_utf8(data) else { return };
    if let Ok(bytes) = hex::decode::<32>(text) {
        assert_eq!(hex::decode::<32>(&hex::encode(&bytes)), Ok(bytes));
    }
}

fn read<T: serde::Serialize + serde::de::DeserializeOwned>(data: &[u8]) {
    if let Ok(message) = from_slice::<T>(data) {
        round_trip(&message);
    }
}

fn round_trip<T: serde::Serialize + serde::de::DeserializeOwned>(message: &T) {
    let text = serde_json::to_vec(message).expect("a parsed message serialises");
    let again: T = from_slice(&text).expect("what was written is read");
    assert_eq!(serde_json::to_vec(&again).expect("a parsed message serialises"), text);
}

/// Frames of the signer's socket.
pub fn signer_wire(data: &[u8]) {
    if let Some(prefix) = data.first_chunk() {
        let _ = signer::frame_length(*prefix);
    }
    let _ = signer::unframe::<signer::Request>(data);
    let _ = signer::unframe::<signer::Response>(data);
}
