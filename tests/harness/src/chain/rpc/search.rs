//! The query language of `tx_search`, over the events of every transaction.

use super::RpcError;
use crate::chain::block::TxRecord;
use hex_conservative::DisplayHex;

#[derive(Debug, PartialEq, Eq)]
enum Test {
    Equal(String),
    Contains(String),
    Exists,
    /// Accepts less, equal, greater.
    Number([bool; 3], i128),
}

/// One condition: a key and what must hold of one of its values.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Condition {
    key: String,
    test: Test,
}

/// Reads a query: conditions joined by AND.
///
/// # Errors
/// When a condition is not `key op value`.
pub(crate) fn parse(query: &str) -> Result<Vec<Condition>, RpcError> {
    query.split(" AND ").filter(|c| !c.trim().is_empty()).map(condition).collect()
}

fn condition(text: &str) -> Result<Condition, RpcError> {
    let odd = || RpcError::params(format!("query condition `{text}`"));
    let text_trimmed = text.trim();
    if let Some(key) = text_trimmed.strip_suffix(" EXISTS") {
        return Ok(Condition { key: key.trim().to_owned(), test: Test::Exists });
    }
    if let Some((key, value)) = text_trimmed.split_once(" CONTAINS ") {
        return Ok(Condition {
            key: key.trim().to_owned(),
            test: Test::Contains(unquoted(value).to_owned()),
        });
    }
    let at = text_trimmed.find(['=', '<', '>']).ok_or_else(odd)?;
    let (key, rest) = text_trimmed.split_at(at);
    let (accept, value) = match rest.strip_prefix("<=").map(|v| ([true, true, false], v)) {
        Some(found) => found,
        None => match rest.strip_prefix(">=").map(|v| ([false, true, true], v)) {
            Some(found) => found,
            None => match rest.split_at(1) {
                ("<", v) => ([true, false, false], v),
                (">", v) => ([false, false, true], v),
                (_, v) => ([false, true, false], v),
            },
        },
    };
    let value = value.trim();
    let test = match (value.starts_with('\''), value.parse::<i128>()) {
        (false, Ok(number)) => Test::Number(accept, number),
        _ if accept == [false, true, false] => Test::Equal(unquoted(value).to_owned()),
        _ => return Err(odd()),
    };
    Ok(Condition { key: key.trim().to_owned(), test })
}

fn unquoted(value: &str) -> &str {
    value.trim().trim_matches('\'')
}

impl Test {
    fn holds(&self, value: &str) -> bool {
        match self {
            Self::Exists => true,
            Self::Equal(wanted) => value == wanted,
            Self::Contains(part) => value.contains(part.as_str()),
            Self::Number(accept, wanted) => value.parse::<i128>().is_ok_and(|v| match v.cmp(wanted) {
                std::cmp::Ordering::Less => accept[0],
                std::cmp::Ordering::Equal => accept[1],
                std::cmp::Ordering::Greater => accept[2],
            }),
        }
    }
}

impl Condition {
    fn holds(&self, height: u64, tx: &TxRecord) -> bool {
        match self.key.as_str() {
            "tx.height" => self.test.holds(&height.to_string()),
            "tx.hash" => {
                let hash = tx.hash.to_upper_hex_string();
                self.test.holds(&hash) || self.test.holds(&hash.to_lowercase())
            }
            key => {
                let Some((kind, attribute)) = key.rsplit_once('.') else { return false };
                let events = tx.result.events.iter().filter(|e| e.ty == kind);
                events.flat_map(|e| &e.attributes).any(|a| a.key == attribute && self.test.holds(&a.value))
            }
        }
    }
}

/// Whether a transaction meets every condition.
pub(crate) fn matches(conditions: &[Condition], height: u64, tx: &TxRecord) -> bool {
    conditions.iter().all(|c| c.holds(height, tx))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chain::block::TxResult;
    use cosmwasm_std::Event;

    #[test]
    fn conditions_select_by_event_height_and_hash() {
        let events =
            vec![Event::new("wasm").add_attribute("_contract_address", "mesh1x").add_attribute("n", "5")];
        let tx = TxRecord::new(vec![1], TxResult { events, ..TxResult::default() });
        let holds = |q: &str| {
            let parsed = parse(q).map_err(|e| e.data).unwrap();
            matches(&parsed, 7, &tx)
        };
        assert!(holds("wasm._contract_address='mesh1x' AND tx.height>=7"));
        assert!(!holds("wasm._contract_address='mesh1x' AND tx.height>7"));
        assert!(holds("wasm.n>4 AND wasm.n EXISTS AND wasm._contract_address CONTAINS 'sh1'"));
        assert!(!holds("wasm.m EXISTS"));
        assert!(holds(&format!("tx.hash='{}'", tx.hash.to_upper_hex_string())));
        assert!(parse("nonsense").is_err());
    }
}
