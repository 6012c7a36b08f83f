//! Changes single settings of a TOML file that a program wrote, and leaves the rest as it is, comments included.

use std::fs;
use std::path::Path;

use super::RealError;

/// One setting: section (empty for the top), key, and the value as TOML.
pub(super) type Setting<'a> = (&'a str, &'a str, String);

/// Returns a string as TOML.
pub(super) fn quoted(text: impl std::fmt::Display) -> String {
    format!("\"{text}\"")
}

/// Changes settings of a file.
pub(super) fn change(path: &Path, settings: &[Setting<'_>]) -> Result<(), RealError> {
    let text = fs::read_to_string(path).map_err(RealError::io("cannot read the settings", path))?;
    let changed = change_text(&text, settings)?;
    fs::write(path, changed).map_err(RealError::io("cannot write the settings", path))
}

fn change_text(text: &str, settings: &[Setting<'_>]) -> Result<String, RealError> {
    let mut section = "";
    let mut done = vec![false; settings.len()];
    let mut out = String::with_capacity(text.len());
    for line in text.lines() {
        if let Some(name) = line.strip_prefix('[').and_then(|l| l.split(']').next()) {
            section = name;
        }
        let key = line.split('=').next().unwrap_or_default().trim_end();
        let hit = settings.iter().position(|(s, k, _)| *s == section && *k == key && line.contains('='));
        match hit {
            Some(i) => {
                out.push_str(&format!("{key} = {}\n", settings[i].2));
                done[i] = true;
            }
            None => {
                out.push_str(line);
                out.push('\n');
            }
        }
    }
    match settings.iter().zip(&done).find(|(_, done)| !**done) {
        Some(((section, key, _), _)) => {
            Err(RealError::unexpected("settings file without", format!("[{section}] {key}")))
        }
        None => Ok(out),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "a = 1\n# a = 2\n[x]\na = \"1\" # kept name\nb=3\n[[y]]\na = 4\n";

    #[test]
    fn only_the_named_setting_of_the_named_section_changes() {
        let out = change_text(TEXT, &[("x", "a", quoted("new")), ("x", "b", "true".into())]).unwrap();
        assert_eq!(out, "a = 1\n# a = 2\n[x]\na = \"new\"\nb = true\n[[y]]\na = 4\n");
    }

    #[test]
    fn a_setting_that_is_not_there_is_an_error() {
        let e = change_text(TEXT, &[("x", "c", "1".into())]).unwrap_err();
        assert!(e.to_string().contains("[x] c"), "{e}");
    }
}
