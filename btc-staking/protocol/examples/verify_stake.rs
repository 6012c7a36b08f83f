//! Verifies an identifiable stake from nothing but its raw transaction: on Babylon mainnet's committee if hex is given,
//! else on the real transactions that the tests carry.
//!
//! `cargo run -p staking-protocol --features bitcoin --example verify_stake -- RAW_HEX`

use hex_conservative::FromHex;
use serde_json::Value;
use staking_crypto::curve::Libsecp;
use staking_protocol::keys::{CovenantKey, Covenants};
use staking_protocol::script::ScriptTemplates;
use staking_protocol::tag::{Tag, parse_v0};
use staking_protocol::tx::Transaction;

type Anyhow<T> = Result<T, Box<dyn std::error::Error>>;

fn main() -> Anyhow<()> {
    let Some(raw) = std::env::args().nth(1) else { return verify_samples() };
    let params: Value =
        serde_json::from_str(include_str!("../../../tests/vectors/real/params_mainnet.json"))?;
    let current =
        params["phase2_btcstaking_params"].as_array().and_then(|all| all.last()).ok_or("no parameters")?;
    verify(&raw, Tag::BBN_1, current)
}

fn verify_samples() -> Anyhow<()> {
    let samples: Value = serde_json::from_str(include_str!("../../../tests/vectors/real/staking_txs.json"))?;
    for sample in samples["txs"].as_array().into_iter().flatten().filter(|s| s["tag"].is_string()) {
        let tag = <[u8; 4]>::from_hex(sample["tag"].as_str().ok_or("no tag")?)?;
        verify(sample["tx"].as_str().ok_or("no tx")?, Tag(tag), sample)?;
    }
    Ok(())
}

fn verify(raw: &str, tag: Tag, committee: &Value) -> Anyhow<()> {
    let tx = Transaction::parse(&Vec::from_hex(raw)?)?;
    let keys = committee["covenant_pks"].as_array().into_iter().flatten();
    let keys =
        keys.map(|key| Ok(CovenantKey::from_bytes(&<[u8; 32]>::from_hex(key.as_str().ok_or("key")?)?)?));
    let quorum = committee["covenant_quorum"].as_u64().ok_or("no quorum")?.try_into()?;
    let scripts = ScriptTemplates::new(Covenants::new(keys.collect::<Anyhow<_>>()?, quorum)?);
    let stake = parse_v0(&Libsecp, &tx, tag, &scripts)?;
    println!("{} holds {} for {}", stake.outpoint, stake.value, stake.data.staking_time);
    println!("  staker   {}\n  provider {}", stake.data.staker, stake.data.provider);
    Ok(())
}
