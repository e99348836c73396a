//! Changing the text of the configuration file: what is not changed stays as it was written, comments too. Pure.

use super::table::{Field, Kind, PARTS, Part};
use serde_json::{Map, Value as Json};
use toml_edit::{Array, ArrayOfTables, DocumentMut, Item, Table, Value};

/// A key and what becomes of it: a value as text, or none: the key is taken out.
pub(super) type Set = (String, Option<String>);

/// Which section, and what is written into it. A key that is not named stays as it is; an empty one is taken out, but for a
/// secret, which nobody is shown.
#[derive(Debug)]
pub(super) struct Change<'a> {
    pub(super) part: &'static Part,
    /// Which of several; `None`: a new one.
    pub(super) at: Option<usize>,
    pub(super) values: &'a [Set],
}

fn parse(text: &str) -> Result<DocumentMut, String> {
    text.parse().map_err(|error: toml_edit::TomlError| format!("The file is not TOML: {}", error.message()))
}

/// The text after the change.
pub(super) fn change(text: &str, change: &Change<'_>) -> Result<String, String> {
    let mut document = parse(text)?;
    let table = match (change.part.many, change.at) {
        (false, _) => {
            let item = document.entry(change.part.name).or_insert_with(|| Item::Table(Table::new()));
            item.as_table_mut()
        }
        (true, None) => {
            let tables = tables_mut(&mut document, change.part)?;
            tables.push(Table::new());
            let last = tables.len() - 1;
            tables.get_mut(last)
        }
        (true, Some(at)) => tables_mut(&mut document, change.part)?.get_mut(at),
    };
    let table = table.ok_or_else(|| format!("There is no such section {} in the file.", change.part.name))?;
    for (key, text) in change.values {
        let field = change.part.fields.iter().find(|field| field.key == key);
        let field = field.ok_or_else(|| format!("{}: no such key {key}.", change.part.name))?;
        match text {
            Some(text) => put(table, field, text.trim())?,
            None => drop(table.remove(field.key)),
        }
    }
    Ok(document.to_string())
}

/// The text without one of several sections.
pub(super) fn remove(text: &str, part: &Part, at: usize) -> Result<String, String> {
    let mut document = parse(text)?;
    let tables = tables_mut(&mut document, part)?;
    if at >= tables.len() {
        return Err(format!("There is no such section {} in the file.", part.name));
    }
    tables.remove(at);
    Ok(document.to_string())
}

fn tables_mut<'d>(document: &'d mut DocumentMut, part: &Part) -> Result<&'d mut ArrayOfTables, String> {
    let item = document.entry(part.name).or_insert_with(|| Item::ArrayOfTables(ArrayOfTables::new()));
    item.as_array_of_tables_mut()
        .ok_or_else(|| format!("{} is written in the file in another way: change it there.", part.name))
}

fn not_here(field: &Field, choices: &[&str]) -> String {
    let (key, choices) = (field.key, choices.join(", "));
    format!("{key}: here one of {choices}; anything else stands in hold-slayer.toml only.")
}

fn put(table: &mut Table, field: &Field, text: &str) -> Result<(), String> {
    if text.is_empty() {
        // Nobody is shown a secret, so an empty one means the one that is there.
        if field.kind != Kind::Secret {
            table.remove(field.key);
        }
        return Ok(());
    }
    let there = table.get(field.key).and_then(Item::as_str);
    let value = match field.kind {
        Kind::Choice(choices) if !choices.contains(&text) && there != Some(text) => {
            return Err(not_here(field, choices));
        }
        // A program, for one, is named by nobody from afar.
        Kind::Named(choices) if !choices.iter().any(|(choice, _)| *choice == text) && there != Some(text) => {
            return Err(not_here(field, &choices.iter().map(|(choice, _)| *choice).collect::<Vec<_>>()));
        }
        Kind::Text | Kind::Secret | Kind::Choice(_) | Kind::Named(_) => Value::from(text),
        Kind::Flag => match text {
            "true" | "false" => Value::from(text == "true"),
            _ => return Err(format!("{}: allowed is true or false.", field.key)),
        },
        Kind::Number => {
            let number: i64 =
                text.parse().map_err(|_| format!("{}: allowed is a whole number.", field.key))?;
            Value::from(number)
        }
        Kind::Decimal => {
            let number: f64 = text.parse().map_err(|_| format!("{}: allowed is a number.", field.key))?;
            Value::from(number)
        }
        Kind::List => {
            let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
            Value::from(lines.collect::<Array>())
        }
    };
    match table.get_mut(field.key).and_then(Item::as_value_mut) {
        Some(old) => {
            // The comment behind it stays.
            let decor = old.decor().clone();
            *old = value;
            *old.decor_mut() = decor;
        }
        None => {
            table.insert(field.key, Item::Value(value));
        }
    }
    Ok(())
}

/// What is written in the file, by section and key; of secrets only that there is one.
pub(super) fn written(text: &str) -> Result<Map<String, Json>, String> {
    let document = parse(text)?;
    let mut all = Map::new();
    for part in PARTS {
        let value = match document.get(part.name) {
            Some(Item::ArrayOfTables(tables)) => Json::Array(tables.iter().map(|t| read(part, t)).collect()),
            Some(Item::Table(table)) => read(part, table),
            _ if part.many => Json::Array(Vec::new()),
            _ => Json::Object(Map::new()),
        };
        all.insert(part.name.into(), value);
    }
    Ok(all)
}

fn read(part: &Part, table: &Table) -> Json {
    let mut fields = Map::new();
    for field in part.fields {
        let Some(value) = table.get(field.key).and_then(Item::as_value) else { continue };
        let shown = match (field.kind, value) {
            (Kind::Secret, _) => Json::from("(kept)"),
            (_, Value::String(text)) => Json::from(text.value().as_str()),
            (_, Value::Integer(number)) => Json::from(*number.value()),
            (_, Value::Float(number)) => Json::from(*number.value()),
            (_, Value::Boolean(flag)) => Json::from(*flag.value()),
            (_, Value::Array(list)) => list.iter().filter_map(Value::as_str).collect(),
            _ => continue,
        };
        fields.insert(field.key.into(), shown);
    }
    Json::Object(fields)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::super::table::part;
    use super::*;
    use crate::config;

    fn values(of: &[(&str, &str)]) -> Vec<Set> {
        of.iter().map(|(key, value)| ((*key).to_owned(), Some((*value).to_owned()))).collect()
    }

    fn changed(text: &str, name: &str, at: Option<usize>, of: &[(&str, &str)]) -> Result<String, String> {
        change(text, &Change { part: part(name).unwrap(), at, values: &values(of) })
    }

    fn is_good(text: &str) {
        let none = |_: &std::path::Path| Err(std::io::ErrorKind::NotFound.into());
        config::parse(text, "test", &none).unwrap();
    }

    #[test]
    fn comments_and_what_is_not_changed_stay() {
        let text = "# mine\n[line]\ncountry = \"us\"   # here\n# kept\n[hold]\ncap = \"2h\"\n";
        let after = changed(text, "line", None, &[("country", "de"), ("emergency", "1234\n 5678 ")]).unwrap();
        assert!(
            after
                .starts_with("# mine\n[line]\ncountry = \"de\"   # here\nemergency = [\"1234\", \"5678\"]\n"),
            "{after}"
        );
        assert!(after.ends_with("# kept\n[hold]\ncap = \"2h\"\n"), "{after}");
        is_good(&after);
        let after = changed(&after, "line", None, &[("emergency", ""), ("private", "true")]).unwrap();
        assert!(!after.contains("emergency") && after.contains("private = true"), "{after}");
        is_good(&after);
    }

    #[test]
    fn everything_in_the_example_survives_a_change_and_a_trunk_comes_and_goes() {
        let trunk = [
            ("name", "home"),
            ("server", "sip.example.net"),
            ("user", "u"),
            ("secret", "p\"w"),
            ("channels", "1"),
        ];
        let after = changed(config::EXAMPLE, "trunk", None, &trunk).unwrap();
        for line in config::EXAMPLE.lines() {
            assert!(after.contains(line), "{line} was lost");
        }
        is_good(&after);
        let kept = changed(&after, "trunk", Some(0), &[("secret", ""), ("user", "v")]).unwrap();
        assert!(kept.contains("p\\\"w") || kept.contains("'p\"w'"), "{kept}");
        let shown = written(&kept).unwrap();
        assert_eq!(
            (&shown["trunk"][0]["user"], &shown["trunk"][0]["secret"]),
            (&"v".into(), &"(kept)".into())
        );
        assert!(!Json::Object(shown).to_string().contains("p\\\"w"));
        let without = [("secret".to_owned(), None)];
        let without =
            change(&kept, &Change { part: part("trunk").unwrap(), at: Some(0), values: &without }).unwrap();
        assert_eq!(written(&without).unwrap()["trunk"][0]["secret"], Json::Null, "{without}");
        let gone = remove(&kept, part("trunk").unwrap(), 0).unwrap();
        is_good(&gone);
        assert!(written(&gone).unwrap()["trunk"].as_array().unwrap().is_empty());
        assert!(remove(&gone, part("trunk").unwrap(), 0).is_err());
    }

    #[test]
    fn mistakes_change_nothing() {
        for (name, at, of) in [
            ("trunk", Some(3), ("name", "x")),
            ("line", None, ("colour", "x")),
            ("line", None, ("private", "perhaps")),
            ("hold", None, ("calls", "many")),
        ] {
            assert!(changed("", name, at, &[of]).is_err(), "{name} {of:?}");
        }
        assert!(changed("not toml", "line", None, &[]).is_err());
    }

    #[test]
    fn no_program_is_named_from_afar() {
        let told = changed("", "speech", None, &[("program", "/bin/sh")]).unwrap_err();
        assert!(told.contains("hold-slayer.toml only"), "{told}");
        let own = "[speech]\nprogram = \"/opt/voice\"\n";
        assert_eq!(changed(own, "speech", None, &[("program", "/opt/voice")]).as_deref(), Ok(own));
        assert!(changed(own, "speech", None, &[("program", "none")]).is_ok_and(|text| text.contains("none")));
    }

    #[test]
    fn every_key_of_the_example_can_be_changed() {
        let mut section = "";
        for line in config::EXAMPLE.lines() {
            let bare = line.trim_start_matches('#');
            if let Some(name) = bare.strip_prefix('[') {
                section = name.trim_start_matches('[').split(']').next().unwrap();
            } else if let Some((key, _)) = bare.split_once(" = ")
                && line.starts_with('#')
                && key.chars().all(|c| c.is_ascii_lowercase() || c == '_')
            {
                let known =
                    part(section).is_some_and(|part| part.fields.iter().any(|field| field.key == key));
                assert!(known, "[{section}] {key} is not on the page of settings");
            }
        }
    }
}
