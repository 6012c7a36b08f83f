//! Messages are read as serde's derive reads them, and errors say where.

use proptest::prelude::*;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use staking_api::mesh::vault::LocalStakingInfo;
use staking_api::staking::{ExecuteMsg, Params};
use staking_api::{Binary, Decimal, Key, Uint128};

/// Declares types twice: read by `Wire`, and by serde's derive.
macro_rules! twins {
    ($($item:item)*) => {
        mod ours {
            use super::*;
            $(#[derive(serde::Serialize, staking_api_derive::Wire, Debug)] #[serde(rename_all = "snake_case")] $item)*
        }
        mod serdes {
            use super::*;
            $(#[derive(serde::Serialize, serde::Deserialize, Debug)] #[serde(rename_all = "snake_case")] $item)*
        }
    };
}

const fn seven() -> u16 {
    7
}

twins! {
    pub(crate) enum Message {
        Plain,
        HoldsAStruct(Parts),
        HoldsAnOption(Option<u32>),
        HasFields {
            key: Key,
            #[serde(default)]
            items: Vec<Parts>,
            nested: Option<Option<bool>>,
        },
        HasNone {},
    }

    pub(crate) struct Parts {
        pub text: String,
        pub small: u16,
        #[serde(default = "seven")]
        pub seven: u16,
        #[serde(rename = "S")]
        pub large: u64,
        pub amount: Uint128,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub rate: Option<Decimal>,
        pub bytes: Binary,
        pub pairs: Vec<(String, Uint128)>,
        pub kind: Kind,
        #[serde(default)]
        pub flag: bool,
    }

    pub(crate) enum Kind {
        FirstKind,
        SecondKind { by: u8 },
    }
}

fn parts() -> Value {
    json!({
        "text": "t", "small": 3, "seven": 9, "S": 5, "amount": "12", "rate": "0.5", "bytes": "AQI=",
        "pairs": [["a", "1"], ["b", "2"]], "kind": {"second_kind": {"by": 2}}, "flag": true,
    })
}

fn message(which: usize) -> Value {
    let key = "ab".repeat(32);
    [
        json!("plain"),
        json!({"plain": null}),
        json!({"holds_a_struct": parts()}),
        json!({"holds_an_option": 4}),
        json!({"has_fields": {"key": key, "items": [parts(), parts()], "nested": false}}),
        json!({"has_none": {}}),
    ][which % 6]
        .clone()
}

/// What a value may be replaced by. By a list only where one was: serde takes structs as lists, we do not.
fn other(was: &Value, which: usize) -> Value {
    let others = [
        json!(null),
        json!(true),
        json!(0),
        json!(65_536),
        json!(u64::MAX),
        json!(-1),
        json!(1.5),
        json!(""),
        json!("x"),
        json!("340282366920938463463374607431768211456"),
        json!("first_kind"),
        json!({}),
        json!({"x": 1}),
        json!({"first_kind": null}),
        json!({"first_kind": null, "second_kind": null}),
        json!([]),
        json!([1]),
    ];
    let most = if was.is_array() { others.len() } else { others.len() - 2 };
    others[which % most].clone()
}

/// Changes one place of a value; `path` says which.
fn mutate(value: &mut Value, path: &[usize], change: usize) {
    let (Some(step), rest) = (path.first(), path.get(1..).unwrap_or_default()) else {
        *value = other(value, change);
        return;
    };
    match value {
        Value::Object(members) if !members.is_empty() => {
            let name = members.keys().nth(step % members.len()).unwrap().clone();
            match (rest, change % 4) {
                ([], 0) => drop(members.remove(&name)),
                ([], 1) => drop(members.insert("not known".into(), json!([{"a": 1.5}]))),
                _ => mutate(members.get_mut(&name).unwrap(), rest, change / 4),
            }
        }
        Value::Array(items) if !items.is_empty() => {
            let at = step % items.len();
            match (rest, change % 4) {
                ([], 0) => drop(items.remove(at)),
                ([], 1) => items.push(items[at].clone()),
                _ => mutate(&mut items[at], rest, change / 4),
            }
        }
        _ => *value = other(value, change),
    }
}

fn read<T: DeserializeOwned + serde::Serialize>(text: &str) -> Option<Value> {
    serde_json::from_str::<T>(text).ok().map(|value| serde_json::to_value(value).unwrap())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4_000))]

    #[test]
    fn what_serde_reads_is_read_and_nothing_else(
        which in 0_usize..6,
        changes in prop::collection::vec((prop::collection::vec(any::<usize>(), 0..6), any::<usize>()), 0..3),
    ) {
        let mut value = message(which);
        for (path, change) in changes {
            mutate(&mut value, &path, change);
        }
        let text = value.to_string();
        prop_assert_eq!(read::<ours::Message>(&text), read::<serdes::Message>(&text), "{}", text);
    }
}

#[test]
fn whole_messages_are_read() {
    for which in 0..6 {
        let text = message(which).to_string();
        assert!(read::<ours::Message>(&text).is_some(), "{text}");
    }
}

fn refusal<T: DeserializeOwned + std::fmt::Debug>(text: &str) -> String {
    serde_json::from_str::<T>(text).unwrap_err().to_string()
}

#[test]
fn errors_say_where() {
    let text = r#"{"activate":{"items":[{"txid":"00","proof":{}}]}}"#;
    let said = refusal::<ExecuteMsg>(text);
    assert!(said.starts_with("activate.items[0].txid: 64 hex digits expected, found 2 at line 1"), "{said}");
    for (text, expected) in [
        (r#"{"slash":{}}"#, "slash.fp_pk: missing"),
        (r#"{"expire":{"limit":1,"limit":1}}"#, "expire.limit: given twice"),
        (r#"{"expire":{"limit":4294967296}}"#, "expire.limit: 4294967296 is above 4294967295"),
        (r#"{"expire":{"limit":-1}}"#, "expire.limit: a negative number found, a number expected"),
        (r#"{"expire":{"limit":1.5}}"#, "expire.limit: a fraction found, a number expected"),
        (r#"{"expire":{"limit":"1"}}"#, "expire.limit: a text found, a number expected"),
        (r#"{"expire":{"limit":[1]}}"#, "expire.limit: a list found, a number expected"),
        (r#"{"expire":{"limit":null}}"#, "expire.limit: null found, a number expected"),
        (r#"{"expire":[1]}"#, "invalid type: sequence, expected an object"),
        (r#"{"expire":{"limit":1},"retry":{"limit":1}}"#, "more than one variant"),
        (r#"{}"#, "no variant named"),
        (r#""expire""#, "expire has content"),
        (r#"{"steal":{}}"#, "unknown variant `steal`, expected one of register_provider, edit_provider,"),
        ("7", "a number found, a variant expected"),
    ] {
        let said = refusal::<ExecuteMsg>(text);
        assert!(said.starts_with(expected), "{text}: {said}");
    }
    let said = refusal::<ours::Message>(r#"{"holds_a_struct":{"pairs":[["a"]]}}"#);
    assert!(said.starts_with("holds_a_struct.pairs[0]: 1 items found, 2 expected"), "{said}");
}

#[test]
fn absent_fields_have_their_defaults() {
    let mut params = json!({
        "btc_activation_height": 1, "covenant_pks": [], "covenant_quorum": 1, "min_staking_value_sat": 1,
        "max_staking_value_sat": 1, "min_staking_time_blocks": 1, "max_staking_time_blocks": 1, "slashing_pk_script": "",
        "min_slashing_tx_fee_sat": 1, "slashing_rate": "0.1", "unbonding_time_blocks": 1, "unbonding_fee_sat": 1,
        "min_commission_rate": "0", "not ours": {"deep": [1, {"er": null}]},
    });
    let read: Params = serde_json::from_value(params.clone()).unwrap();
    assert_eq!((read.max_finality_providers, read.max_staker_quorum, read.lax_slashing_tx), (1, 1, false));
    params.as_object_mut().unwrap().remove("slashing_rate");
    assert_eq!(serde_json::from_value::<Params>(params).unwrap_err().to_string(), "slashing_rate: missing");
}

/// The one type whose variants have no names.
#[test]
fn local_staking_is_told_by_its_fields() {
    let read = |text: &str| serde_json::from_str::<LocalStakingInfo>(text);
    let existing = LocalStakingInfo::Existing { existing: "a".into() };
    assert_eq!(read(r#"{"existing":"a"}"#).unwrap(), existing);
    assert_eq!(read(r#"{"code_id":1,"existing":"a","msg":"AA=="}"#).unwrap(), existing);
    let new = LocalStakingInfo::New { admin: None, code_id: 1, msg: Binary(vec![0]), label: None };
    assert_eq!(read(r#"{"code_id":1,"msg":"AA==","label":null}"#).unwrap(), new);
    assert!(read(r#"{"code_id":1}"#).unwrap_err().to_string().starts_with("msg: missing"));
    for info in [existing, new] {
        assert_eq!(read(&serde_json::to_string(&info).unwrap()).unwrap(), info);
    }
}
