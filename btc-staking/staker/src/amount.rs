//! Amounts as people type them: always with their unit.

use bitcoin::{Amount, Denomination};

/// Parses `5000000sat` (underscores allowed) or `0.05btc` into satoshi.
///
/// # Errors
/// A sentence for the one who typed it: no unit, not a number, finer than a satoshi, or more than there is.
pub fn parse_amount(text: &str) -> Result<u64, String> {
    let (number, unit) = if let Some(sat) = text.strip_suffix("sat") {
        (sat.replace('_', ""), Denomination::Satoshi)
    } else if let Some(btc) = text.strip_suffix("btc") {
        (btc.to_owned(), Denomination::Bitcoin)
    } else {
        return Err(format!("`{text}` has no unit; write for example `5000000sat` or `0.05btc`"));
    };
    match Amount::from_str_in(&number, unit) {
        Ok(amount) if amount <= Amount::MAX_MONEY => Ok(amount.to_sat()),
        Ok(_) => Err(format!("`{text}` is more than all bitcoin there will be")),
        Err(e) => Err(format!("`{text}` is not an amount: {e}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_without_its_unit_is_refused() {
        assert_eq!(parse_amount("0.05btc"), Ok(5_000_000));
        assert_eq!(parse_amount("5_000_000sat"), Ok(5_000_000));
        assert_eq!(parse_amount("2btc"), Ok(200_000_000));
        assert!(parse_amount("5000000").unwrap_err().contains("no unit"));
        for nonsense in ["0.000000001btc", "0.5sat", "-1btc", "btc", "21000001btc", "1e3btc"] {
            assert!(parse_amount(nonsense).is_err(), "{nonsense}");
        }
    }
}
