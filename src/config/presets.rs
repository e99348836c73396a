//! What is known of providers beforehand.

use crate::tables::{Section, nearest};
use toml::de::{DeTable, DeValue};

/// A table of `[[trunk]]` keys for each provider.
pub const TEXT: &str = include_str!("presets.toml");

/// The providers that can be used, by the names that `preset` takes.
pub fn names() -> Vec<String> {
    let usable = |table: &DeValue<'_>| match table {
        DeValue::Table(table) => !table.iter().any(|(key, _)| key.get_ref() == "unsuitable"),
        _ => false,
    };
    let all = all();
    all.iter()
        .filter(|(_, table)| usable(table.get_ref()))
        .map(|(name, _)| name.get_ref().to_string())
        .collect()
}

/// The keys of `[[trunk]]` that the owner must write with this preset, in the order in which a provider names them.
pub fn asks(name: &str) -> Vec<String> {
    let all = all();
    let table = all.iter().find(|(key, _)| *key.get_ref() == *name).map(|(_, table)| table.get_ref());
    let DeValue::Table(table) = table.unwrap_or(&DeValue::Boolean(false)) else { return Vec::new() };
    let find =
        |key: &str| table.iter().find(|(own, _)| *own.get_ref() == *key).map(|(_, value)| value.get_ref());
    let more = find("asks").and_then(DeValue::as_array).into_iter().flatten();
    let more = more.filter_map(|key| key.get_ref().as_str()).map(str::to_owned);
    let server = find("server").is_none().then(|| "server".to_owned());
    server.into_iter().chain(["user".into(), "secret".into()]).chain(more).collect()
}

/// All presets. Empty only if the file were not TOML, which a test rules out.
pub(super) fn all() -> DeTable<'static> {
    DeTable::parse_recoverable(TEXT).0.into_inner()
}

/// The table that the trunk's `preset` names.
pub(super) fn chosen<'p>(s: &mut Section<'_, '_>, all: &'p DeTable<'static>) -> Option<&'p DeTable<'static>> {
    let names: Vec<&str> = all.iter().map(|(name, _)| name.get_ref().as_ref()).collect();
    let written =
        s.text("preset", "allowed is a provider's name, in quotes", |text| Some(text.to_owned()))?;
    let found = all.iter().find(|(name, _)| *name.get_ref() == *written).map(|(_, table)| table.get_ref());
    let Some(DeValue::Table(table)) = found else {
        let guess = nearest(&written, &names).map_or(String::new(), |name| format!("did you mean {name}? "));
        s.refuse(
            "preset",
            &format!("{guess}Known are {}; without one, write server yourself", names.join(", ")),
        );
        return None;
    };
    let unsuitable = table.iter().find(|(key, _)| key.get_ref() == "unsuitable");
    if let Some(why) = unsuitable.and_then(|(_, why)| why.get_ref().as_str()) {
        s.refuse("preset", why);
    }
    Some(table)
}
