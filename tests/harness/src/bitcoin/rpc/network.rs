//! Methods about the node itself.

use serde_json::{Value, json};

use super::params::{Params, address_script};
use super::render;
use super::{Answer, Method, btc, method};
use crate::bitcoin::engine::Engine;

pub(super) const METHODS: &[Method] = &[
    method("getnetworkinfo", &[], network_info),
    method("getconnectioncount", &[], |_, _| Ok(json!(0))),
    method("getpeerinfo", &[], |_, _| Ok(json!([]))),
    method("getzmqnotifications", &[], |_, _| Ok(json!([]))),
    method("getindexinfo", &["index_name"], index_info),
    method("validateaddress", &["address"], validate_address),
    method("uptime", &[], uptime),
    method("stop", &[], stop),
];

fn network_info(engine: &mut Engine, _: &Params) -> Answer {
    Ok(json!({
        "version": 319_900,
        "subversion": "/Satoshi:31.99.0(libbitcoinkernel)/",
        "protocolversion": 70_016,
        "localservices": "0000000000000409",
        "localservicesnames": ["NETWORK", "WITNESS", "NETWORK_LIMITED"],
        "localrelay": true,
        "timeoffset": 0,
        "networkactive": false,
        "connections": 0,
        "connections_in": 0,
        "connections_out": 0,
        "networks": [],
        "relayfee": btc(engine.rules.min_relay),
        "incrementalfee": btc(engine.rules.incremental),
        "localaddresses": [],
        "warnings": [],
    }))
}

fn index_info(engine: &mut Engine, _: &Params) -> Answer {
    let height = engine.chain.view.height();
    let index = json!({ "synced": true, "best_block_height": height });
    Ok(json!({ "txindex": index, "basic block filter index": index }))
}

fn validate_address(_: &mut Engine, params: &Params) -> Answer {
    let address = params.text(0)?;
    Ok(match address_script(address) {
        None => json!({ "isvalid": false, "error_locations": [], "error": "Invalid or unsupported address" }),
        Some(script) => {
            let mut answer =
                json!({ "isvalid": true, "address": address, "scriptPubKey": script.to_hex_string() });
            answer["isscript"] = json!(script.is_p2sh() || script.is_p2wsh() || script.is_p2tr());
            answer["iswitness"] = json!(script.is_witness_program());
            if let Some(version) = script.witness_version() {
                answer["witness_version"] = json!(version.to_num());
                answer["witness_program"] = json!(render::hex(&script.as_bytes()[2..]));
            }
            answer
        }
    })
}

/// Seconds by the node's own clock since its first block: no wall clock here.
fn uptime(engine: &mut Engine, _: &Params) -> Answer {
    Ok(json!(engine.chain.next_time().saturating_sub(engine.chain.clock.time_at(0))))
}

fn stop(engine: &mut Engine, _: &Params) -> Answer {
    engine.stopping = true;
    Ok(Value::String("Bitcoin Core stopping".into()))
}
