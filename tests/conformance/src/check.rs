//! Comparing an answer with the published one.

use serde_json::Value;

use crate::case::{No, Out};

/// What we must answer to a kind of case.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Wanted {
    /// As published.
    AsPublished,
    /// No, although the published answer is yes.
    Refuse,
    /// Both answers pass.
    Either,
}

/// Compares verdict and fields. Fields that describe an answer which we deliberately do not give are not compared.
pub(crate) fn compare(
    wanted: Wanted,
    published_ok: bool,
    published: &Value,
    verdict: &Result<(), No>,
    out: &Out,
) -> Result<(), String> {
    if let Err(No::Broken(why)) = verdict {
        return Err(format!("unreadable vector: {why}"));
    }
    let ok = verdict.is_ok();
    let right = match wanted {
        Wanted::AsPublished => ok == published_ok,
        Wanted::Refuse => !ok,
        Wanted::Either => true,
    };
    if !right {
        return Err(match verdict {
            Ok(()) => "expected a refusal, found acceptance".to_owned(),
            Err(no) => format!("expected acceptance, found {no}"),
        });
    }
    if ok == published_ok { fields(published, out) } else { Ok(()) }
}

fn fields(published: &Value, out: &Out) -> Result<(), String> {
    let Some(published) = published.as_object() else { return Ok(()) };
    for (name, expected) in published {
        // Texts of the peer's errors are there to be read, not to be copied.
        if name.ends_with("_err") {
            continue;
        }
        let found = out.0.get(name).unwrap_or(&Value::Null);
        if !contains(expected, found) {
            return Err(format!("{name}: expected {}, found {}", shortened(expected), shortened(found)));
        }
    }
    Ok(())
}

/// Equality, where an object of ours may say more than was published.
fn contains(expected: &Value, found: &Value) -> bool {
    match (expected, found) {
        (Value::Object(expected), Value::Object(found)) => {
            expected.iter().all(|(name, value)| found.get(name).is_some_and(|f| contains(value, f)))
        }
        (Value::Array(expected), Value::Array(found)) => {
            expected.len() == found.len() && expected.iter().zip(found).all(|(e, f)| contains(e, f))
        }
        _ => expected == found,
    }
}

fn shortened(value: &Value) -> String {
    let text = value.to_string();
    match text.char_indices().nth(200) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn judge(wanted: Wanted, published_ok: bool, ok: bool, found: &Value) -> bool {
        let mut out = Out::default();
        out.set("x", found.clone());
        let verdict = if ok { Ok(()) } else { Err(No::Refused("no".into())) };
        compare(wanted, published_ok, &json!({"x": "01"}), &verdict, &out).is_ok()
    }

    #[test]
    fn a_wrong_verdict_or_field_fails() {
        assert!(judge(Wanted::AsPublished, true, true, &json!("01")));
        assert!(!judge(Wanted::AsPublished, true, true, &json!("02")));
        assert!(!judge(Wanted::AsPublished, true, false, &json!("01")));
        assert!(!judge(Wanted::AsPublished, false, true, &json!("01")));
        assert!(!judge(Wanted::AsPublished, false, false, &json!("02")), "fields count beside a refusal too");
    }

    #[test]
    fn stricter_kinds_must_be_refused() {
        assert!(judge(Wanted::Refuse, true, false, &json!(null)));
        assert!(!judge(Wanted::Refuse, true, true, &json!("01")));
        assert!(judge(Wanted::Either, true, false, &json!(null)));
        assert!(judge(Wanted::Either, true, true, &json!("01")));
        assert!(!judge(Wanted::Either, true, true, &json!("02")));
    }

    #[test]
    fn an_unreadable_vector_never_passes() {
        let broken = Err(No::Broken("x".into()));
        for wanted in [Wanted::AsPublished, Wanted::Refuse, Wanted::Either] {
            assert!(compare(wanted, false, &Value::Null, &broken, &Out::default()).is_err());
        }
    }
}
