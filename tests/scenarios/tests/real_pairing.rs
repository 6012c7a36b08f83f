//! `contracts/deploy-pairing`, used as docs/mesh.md says, on two wasmd chains with hermes between them: coins bonded on
//! one chain become power on the other; they are unstaked, earn, are slashed by the consumer's own x/staking, and come
//! back when a packet can never arrive.
//!
//! With MESH_REAL=1 (the full tier of `tests/run`) whatever is missing is a failure; without it this is passed over.

mod real;

use real::{asked_for, until};
use serde_json::{Value, json};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use mesh_harness::chain::DevAccount;
use mesh_harness::real::hermes::Hermes;
use mesh_harness::real::process::Process;
use mesh_harness::real::programs::Program;
use mesh_harness::real::wasmd::{ChainSpec, PREFIX, VALIDATOR, Wasmd};
use staking_clients::ClientError;
use staking_clients::cosmos::{ChainClient, ChainKey, GasPrice, Rpc, Writer};

const USER: [u8; 32] = [7; 32];
/// Amounts are large beside the validator's own stake, or an epoch's share of the rewards is less than one ucons.
const UNIT: u64 = 50_000;
const BONDED: u64 = 1_000_000 * UNIT;
const STAKED: u64 = 300_000 * UNIT;
const GAS: u64 = 20_000_000;
/// A validator that never signs; x/staking slashes it for that.
const ABSENT: &str = "absent";

/// Both chains with the pairing on them.
struct Pairing {
    // Dropped in this order: the relayer before the chains.
    relaying: Option<Process>,
    hermes: Hermes,
    hub: Wasmd,
    consumer: Wasmd,
    dir: PathBuf,
    user: String,
    vault: String,
    at: Value,
}

fn chains(dir: &Path) -> [Wasmd; 2] {
    let user = DevAccount::from_secret(USER).unwrap().address(PREFIX).unwrap();
    let spec = |id: &str, denom: &str| ChainSpec::new(id, denom).fund(&user, 1_000_000_000_000);
    Wasmd::start_all(dir, [spec("pair-hub-1", "umesh"), spec("pair-cons-1", "ucons")]).unwrap()
}

fn writer<'c>(rpc: &'c Rpc, key: ChainKey, denom: &str) -> Writer<'c> {
    Writer::new(rpc, key, GasPrice { denom: denom.to_owned(), milli: 0 }, GAS).unwrap()
}

/// A vault of the hub's own coins.
fn make_vault(hub: &Wasmd) -> String {
    let rpc = Rpc::new(&hub.rpc_url());
    let owner = writer(&rpc, ChainKey::from_bytes(&USER, PREFIX).unwrap(), "umesh");
    let code = owner.store_code(real::contract("mesh-vault")).unwrap();
    let msg = json!({"denom": "umesh", "local_staking": null, "owner": owner.address()});
    owner.instantiate(code, "vault", &msg, &[]).unwrap()
}

/// The settings file: the script's own example, with what differs here after it.
fn settings(dir: &Path, hub: &Wasmd, consumer: &Wasmd, hermes: &Hermes, vault: &str) -> PathBuf {
    let example = Command::new(script()).arg("--example").output().unwrap();
    assert!(example.status.success());
    let mut text = String::from_utf8(example.stdout).unwrap();
    for (side, chain) in [("PROVIDER", hub), ("CONSUMER", consumer)] {
        let home = dir.join(chain.chain_id()).join(".wasmd");
        text += &format!(
            "{side}_NODE={} {side}_CHAIN={} {side}_DENOM={} {side}_HOME={} {side}_KEY=validator {side}_GAS_PRICE=0.001\n",
            chain.rpc_url(),
            chain.chain_id(),
            chain.denom(),
            home.display()
        );
    }
    text += &format!("HERMES_CONFIG={}\nVAULT={vault} COLLATERAL=umesh\n", hermes.settings_file().display());
    text += "PRICE=2 DISCOUNT=0.1 MAX_CAP=100000000000 MAX_PER_VALIDATOR= EPOCH_S=1 TREASURY=100000000000\n";
    text += "UNBONDING_S=5 SLASH_OFFLINE=0.01\n";
    let file = dir.join("pairing.env");
    fs::write(&file, text).unwrap();
    file
}

fn script() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../contracts/deploy-pairing")
}

fn deploy(settings: &Path) -> Value {
    let output = Command::new(script())
        .arg(settings)
        .env("WASMD", Program::Wasmd.find().unwrap())
        .env("HERMES", Program::Hermes.find().unwrap())
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

impl Pairing {
    fn deploy(dir: &Path) -> Self {
        let [hub, consumer] = chains(dir);
        let hermes = Hermes::new(&dir.join("hermes"), &consumer, &hub).unwrap();
        let vault = make_vault(&hub);
        let file = settings(dir, &hub, &consumer, &hermes, &vault);
        let at = deploy(&file);
        assert_eq!(deploy(&file), at, "a second run makes nothing new");
        let user = DevAccount::from_secret(USER).unwrap().address(PREFIX).unwrap();
        let mut all = Self { relaying: None, hermes, hub, consumer, dir: dir.to_owned(), user, vault, at };
        all.relay();
        all
    }

    fn relay(&mut self) {
        self.relaying = Some(self.hermes.start().unwrap());
    }

    fn address(&self, side: &str, name: &str) -> String {
        self.at[side][name].as_str().unwrap().to_owned()
    }

    fn query(&self, side: &str, contract: &str, query: &Value) -> Value {
        let chain = if side == "provider" { &self.hub } else { &self.consumer };
        let contract = self.address(side, contract);
        Rpc::new(&chain.rpc_url()).smart_query_value(&contract, query).unwrap()
    }

    /// The user calls a contract of the hub.
    fn act(&self, contract: &str, msg: &Value, funds: &[(u128, &str)]) {
        self.try_act(contract, msg, funds).unwrap();
    }

    fn try_act(&self, contract: &str, msg: &Value, funds: &[(u128, &str)]) -> Result<(), ClientError> {
        let rpc = Rpc::new(&self.hub.rpc_url());
        let user = writer(&rpc, ChainKey::from_bytes(&USER, PREFIX).unwrap(), "umesh");
        user.execute(contract, msg, funds).map(drop)
    }

    /// Governance (and anybody) calls a contract of the consumer.
    fn govern(&self, contract: &str, msg: &Value) -> Result<(), ClientError> {
        let rpc = Rpc::new(&self.consumer.rpc_url());
        let gov = writer(&rpc, ChainKey::from_mnemonic(VALIDATOR.0, PREFIX).unwrap(), "ucons");
        gov.execute(&self.address("consumer", contract), msg, &[]).map(drop)
    }

    fn stake_remote(&self, validator: &str, amount: u64) {
        let choice = staking_api::Binary(json!({"validator": validator}).to_string().into_bytes());
        let msg = json!({"stake_remote": {
            "contract": self.address("provider", "external_staking"),
            "amount": {"denom": "umesh", "amount": amount.to_string()},
            "msg": choice,
        }});
        self.act(&self.vault, &msg, &[]);
    }

    /// What external-staking holds for the user, as (low, high).
    fn staked(&self, validator: &str) -> (u64, u64) {
        let query = json!({"stake": {"user": self.user, "validator": validator}});
        let info = self.query("provider", "external_staking", &query);
        (number(&info["stake"]["l"]), number(&info["stake"]["h"]))
    }

    /// The user's lien at the vault, at most.
    fn lien(&self) -> u64 {
        let query = json!({"account_claims": {"account": self.user}});
        let claims = Rpc::new(&self.hub.rpc_url()).smart_query_value(&self.vault, &query).unwrap();
        claims["claims"].as_array().unwrap().iter().map(|c| number(&c["amount"]["h"])).sum()
    }

    fn bonded(&self) -> u64 {
        let query = json!({"account": {"account": self.user}});
        number(&Rpc::new(&self.hub.rpc_url()).smart_query_value(&self.vault, &query).unwrap()["bonded"])
    }

    /// Tokens of a validator of the consumer.
    fn power(&self, operator: &str) -> u128 {
        let all = Rpc::new(&self.consumer.rpc_url()).validators().unwrap();
        all.iter().find(|v| v.operator == operator).unwrap().tokens
    }

    /// Epochs until something holds.
    fn epochs_until(&self, what: &str, holds: impl Fn() -> bool) {
        until(what, 120, || {
            unless_too_early(self.govern("virtual_staking", &json!({"handle_epoch": {}})));
            holds().then_some(())
        });
    }

    fn knows(&self, operator: &str) -> bool {
        let active = self.query("provider", "external_staking", &json!({"list_active_validators": {}}));
        active["validators"].as_array().unwrap().iter().any(|v| v == operator)
    }

    /// Makes a validator that will never sign, and returns its operator address.
    fn absent_validator(&self) -> String {
        let file = self.dir.join("absent.json");
        let key = json!({"@type": "/cosmos.crypto.ed25519.PubKey", "key": ABSENT_KEY});
        let description = json!({
            "pubkey": key, "amount": "1000000ucons", "moniker": ABSENT, "commission-rate": "0.1",
            "commission-max-rate": "0.2", "commission-max-change-rate": "0.01", "min-self-delegation": "1",
        });
        fs::write(&file, description.to_string()).unwrap();
        let home = self.dir.join(self.consumer.chain_id());
        let secret = DevAccount::from_secret(USER).unwrap().secret_hex();
        let wasmd = |args: &[&str]| {
            let output =
                Command::new(Program::Wasmd.find().unwrap()).args(args).env("HOME", &home).output().unwrap();
            assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
        };
        wasmd(&["keys", "import-hex", ABSENT, &secret, "--keyring-backend", "test"]);
        let (node, id) = (self.consumer.rpc_url(), self.consumer.chain_id());
        let file = file.display().to_string();
        wasmd(&[
            "tx",
            "staking",
            "create-validator",
            &file,
            "--from",
            ABSENT,
            "--keyring-backend",
            "test",
            "--chain-id",
            id,
            "--node",
            &node,
            "--gas",
            "500000",
            "--yes",
        ]);
        until("the second validator", 30, || {
            let all = Rpc::new(&node).validators().unwrap();
            all.into_iter().map(|v| v.operator).find(|operator| operator != self.consumer.validator())
        })
    }
}

/// RFC 8032's first public key; its secret is of no use to us.
const ABSENT_KEY: &str = "11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=";

/// A contract refuses what is not due yet; a chain that does not answer is an error.
fn unless_too_early(done: Result<(), ClientError>) {
    if let Err(e) = done {
        assert!(!e.is_transient(), "{e}");
    }
}

fn number(value: &Value) -> u64 {
    value.as_str().unwrap().parse().unwrap()
}

#[test]
fn a_pairing_deployed_by_the_script_carries_stake_rewards_slashes_and_returns() {
    if !asked_for(&Program::ALL) {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let mut pairing = Pairing::deploy(dir.path());
    let good = pairing.consumer.validator().to_owned();
    let bad = pairing.absent_validator();
    let before = (pairing.power(&good), pairing.power(&bad));
    pairing.epochs_until("both validators on the hub", || pairing.knows(&good) && pairing.knows(&bad));

    pairing.act(&pairing.vault, &json!({"bond": {}}), &[(BONDED.into(), "umesh")]);
    for validator in [&good, &bad] {
        pairing.stake_remote(validator, STAKED);
        until("the stake's acknowledgement", 60, || {
            (pairing.staked(validator) == (STAKED, STAKED)).then_some(())
        });
    }
    // At 2 ucons less the discount of 10 %.
    let worth = u128::from(STAKED * 18 / 10);
    pairing.epochs_until("power", || pairing.power(&good) == before.0 + worth);
    assert_eq!(pairing.power(&bad), before.1 + worth);
    assert_eq!(pairing.lien(), 2 * STAKED);

    rewards(&pairing, &good);
    unstake(&pairing, &good);
    slash(&pairing, &bad);
    lost_packet(&mut pairing, &good);
}

/// Rewards of the consumer reach an account of the staker's choice there.
fn rewards(pairing: &Pairing, validator: &str) {
    let due = || {
        let query = json!({"pending_rewards": {"user": pairing.user, "validator": validator}});
        number(&pairing.query("provider", "external_staking", &query)["rewards"]["amount"])
    };
    pairing.epochs_until("rewards on the hub", || due() > 0);
    let recipient = DevAccount::from_secret([9; 32]).unwrap().address(PREFIX).unwrap();
    let msg = json!({"withdraw_rewards": {"validator": validator, "remote_recipient": recipient}});
    pairing.act(&pairing.address("provider", "external_staking"), &msg, &[]);
    let consumer = Rpc::new(&pairing.consumer.rpc_url());
    until("rewards on the consumer", 60, || {
        (consumer.balance(&recipient, "ucons").unwrap() > 0).then_some(())
    });
}

/// A part is unstaked; after the unbonding time its lien is released and power has fallen.
fn unstake(pairing: &Pairing, validator: &str) {
    let external = pairing.address("provider", "external_staking");
    let power = pairing.power(validator);
    let (part, rest) = (STAKED / 3, STAKED - STAKED / 3);
    let amount = json!({"denom": "umesh", "amount": part.to_string()});
    pairing.act(&external, &json!({"unstake": {"validator": validator, "amount": amount}}), &[]);
    until("the unstake's acknowledgement", 60, || (pairing.staked(validator) == (rest, rest)).then_some(()));
    pairing.epochs_until("less power", || pairing.power(validator) == power - u128::from(part * 18 / 10));
    until("the release", 60, || {
        unless_too_early(pairing.try_act(&external, &json!({"withdraw_unbonded": {}}), &[]));
        (pairing.lien() <= 2 * STAKED - part).then_some(())
    });
}

/// The absent validator is slashed by x/staking; the loss arrives at the staker's collateral.
fn slash(pairing: &Pairing, validator: &str) {
    let external = pairing.address("provider", "external_staking");
    let slashed =
        || pairing.query("provider", "external_staking", &json!({"validator": {"validator": validator}}));
    pairing.epochs_until("a slash by x/staking", || slashed()["slashes"].as_u64().unwrap() > 0);
    let settle = json!({"settle_slash": {"validator": validator, "limit": 10}});
    pairing.act(&external, &settle, &[]);
    // 1 % of what was with it: wasmd's own ratio for downtime.
    until("the slash at the vault", 30, || (pairing.bonded() < BONDED).then_some(()));
    let lost = BONDED - pairing.bonded();
    let due = STAKED / 100;
    assert!((due..=due + 1).contains(&lost), "{lost}");
    assert_eq!(pairing.staked(validator).1, STAKED - lost);
}

/// A stake whose packet can never arrive, because the consumer closed the channel, is undone.
fn lost_packet(pairing: &mut Pairing, validator: &str) {
    let (lien, staked) = (pairing.lien(), pairing.staked(validator));
    pairing.relaying = None;
    pairing.stake_remote(validator, 50_000 * UNIT);
    assert_eq!(pairing.lien(), lien + 50_000 * UNIT);
    pairing.govern("converter", &json!({"close_channel": {}})).unwrap();
    pairing.relay();
    until("the packet's timeout", 120, || (pairing.staked(validator) == staked).then_some(()));
    assert_eq!(pairing.lien(), lien);
}
