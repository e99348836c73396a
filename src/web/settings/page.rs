//! The pages of settings: one form for each section.

use super::super::Site;
use super::super::answer::Answer;
use super::super::page::{Place, alert, frame, token};
use super::edit::Set;
use super::field::{Field, Kind, Part};
use super::table::PARTS;
use super::{Act, Settings};
use maud::{Markup, html};
use serde_json::{Map, Value};

/// All sections, with what went wrong.
pub(in crate::web) fn page(site: &Site, form: &str, wrong: Option<&str>, status: u16) -> Answer {
    whole(site, form, &[], (wrong, status))
}

/// The same, with what was typed into a form that was refused.
fn whole(site: &Site, form: &str, typed: Typed<'_>, (wrong, status): (Option<&str>, u16)) -> Answer {
    let written = site.settings.written();
    let content = html! {
        h1 { "Settings" }
        @if let Some(wrong) = wrong { (alert(wrong)) }
        (restart(&site.settings, form, "/settings"))
        nav.tiles aria-label="More settings" {
            a href="/setup" { "Set-up, step by step" }
            a href="/phones" { "Phones" }
            a href="/access" { "Access of programs and browsers" }
            a href="/privacy" { "Privacy" }
            a href="/greeting" { "Your own greeting" }
            a href="/notifications" { "Notifications" }
            a href="/board" { "Button, lamp and handset" }
            a href="/backup" { "Backup and restore" }
            a href="/update" { "Update" }
            a href="/logs" { "Logs" }
        }
        @match &written {
            Ok(written) => { @for part in PARTS { (section(part, written, typed, form)) } },
            Err((_, why)) => { section.card { p { (why) } } },
        }
    };
    Answer::page(status, frame("Settings", Place::Settings, Some(form), &content))
}

/// Changes what the form says, and goes back to where it came from.
pub(in crate::web) fn stored(site: &Site, fields: &[(String, String)], form: &str) -> Answer {
    let sent = |key: &str| fields.iter().find(|(k, _)| k == key).map(|(_, value)| value.as_str());
    let at = sent("at").and_then(|at| at.parse().ok());
    let values = values(fields);
    let act = if sent("act") == Some("remove") { Act::Remove } else { Act::Write(&values) };
    match site.settings.change(sent("section").unwrap_or_default(), at, &act) {
        Ok(()) => Answer::see("/settings".into()),
        Err((status, why)) => {
            let typed = if matches!(act, Act::Remove) { &[] } else { fields };
            whole(site, form, typed, (Some(&why), status))
        }
    }
}

/// The fields of a form that was refused; none, if none was.
type Typed<'a> = &'a [(String, String)];

/// The fields, if they are those of this form.
fn of_form<'a>(typed: Typed<'a>, part: &Part, at: Option<usize>) -> Option<Typed<'a>> {
    let sent = |key: &str| typed.iter().find(|(k, _)| k == key).map(|(_, value)| value.as_str());
    let here =
        sent("section") == Some(part.name) && sent("at").map(str::to_owned) == at.map(|at| at.to_string());
    here.then_some(typed)
}

/// The values among the fields of a form. A secret is taken out by its tick box alone, and not where another one is typed.
pub(in crate::web) fn values(fields: &[(String, String)]) -> Vec<Set> {
    let out = |key: &str| fields.iter().any(|(name, _)| name.strip_prefix("drop-") == Some(key));
    let own = fields.iter().filter_map(|(name, value)| Some((name.strip_prefix("set-")?, value)));
    own.map(|(key, value)| {
        (key.to_owned(), Some(value.clone()).filter(|value| !value.is_empty() || !out(key)))
    })
    .collect()
}

/// What is to be said of changes that wait.
pub(in crate::web) fn restart(settings: &Settings, form: &str, from: &str) -> Markup {
    html! {
        @if settings.is_changed() {
            section.card role="status" {
                p { "Changes are saved, and take effect when the box starts anew. Make all that you want to, then press this: it waits until no call is up, and for an hour after an emergency call, and takes a second; phones that register are back within their own time." }
                form method="post" action="/restart" { (token(form)) input type="hidden" name="from" value=(from); button.primary { "Start anew when no call is up" } }
            }
        }
    }
}

fn section(part: &Part, written: &Map<String, Value>, typed: Typed<'_>, form: &str) -> Markup {
    let own = written.get(part.name);
    let typed = |at| of_form(typed, part, at);
    html! {
        section.card {
            h2 { (part.title) }
            @if part.many {
                @for (at, values) in own.and_then(Value::as_array).into_iter().flatten().enumerate() {
                    @let name = part.fields.first().and_then(|first| values[first.key].as_str());
                    details open[typed(Some(at)).is_some()] {
                        summary translate=[name.map(|_| "no")] { (name.unwrap_or("without a name")) }
                        (fields(part, Some(at), (values, typed(Some(at))), form))
                        form method="post" action="/settings" {
                            (token(form))
                            input type="hidden" name="section" value=(part.name);
                            input type="hidden" name="at" value=(at);
                            button.danger name="act" value="remove" aria-label={ "Take away " (name.unwrap_or_default()) } { "Take away" }
                        }
                    }
                }
                details open[typed(None).is_some()] { summary { "Add one" } (fields(part, None, (&Value::Null, typed(None)), form)) }
            } @else {
                details open[typed(None).is_some()] { summary { "Change" } (fields(part, None, (own.unwrap_or(&Value::Null), typed(None)), form)) }
            }
        }
    }
}

fn fields(
    part: &Part,
    at: Option<usize>,
    (values, typed): (&Value, Option<Typed<'_>>),
    form: &str,
) -> Markup {
    let again = |field: &Field| {
        let named = |(key, _): &&(String, String)| key.strip_prefix("set-") == Some(field.key);
        typed.into_iter().flatten().find(named).map(|(_, value)| value.as_str())
    };
    let prefix = format!("{}-{}", part.name, at.map_or("new".into(), |at| at.to_string()));
    html! {
        form method="post" action="/settings" {
            (token(form))
            input type="hidden" name="section" value=(part.name);
            @if let Some(at) = at { input type="hidden" name="at" value=(at); }
            @for field in part.fields { (input(field, &values[field.key], again(field), &prefix)) }
            button.primary { "Save" }
        }
    }
}

/// `typed`: what was refused, in place of what is written; of a secret nothing comes back.
fn input(field: &Field, value: &Value, typed: Option<&str>, prefix: &str) -> Markup {
    let (id, name) = (format!("{prefix}-{}", field.key), format!("set-{}", field.key));
    let help = format!("{id}-help");
    let text = match value {
        _ if typed.is_some() && field.kind != Kind::Secret => typed.unwrap_or_default().to_owned(),
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        other => other.to_string(),
    };
    let choices: Vec<(&str, &str)> = match field.kind {
        Kind::Flag => vec![("true", "yes"), ("false", "no")],
        Kind::Choice(choices) => choices.iter().map(|choice| (*choice, *choice)).collect(),
        Kind::Named(choices) => choices.to_vec(),
        _ => Vec::new(),
    };
    html! {
        label for=(id) { (field.label) }
        @match field.kind {
            Kind::Secret => {
                input id=(id) type="password" name=(name) autocomplete="new-password" aria-describedby=(help)
                    placeholder=(if text.is_empty() { "" } else { "kept as it is" });
                @if !text.is_empty() {
                    label.choice { input type="checkbox" name={ "drop-" (field.key) } value="1"; "Take out what is there" }
                }
            }
            Kind::List => {
                @let lines: Vec<&str> = value.as_array().into_iter().flatten().filter_map(Value::as_str).collect();
                textarea id=(id) name=(name) rows="2" aria-describedby=(help) { (typed.map_or_else(|| lines.join("\n"), str::to_owned)) }
            }
            Kind::Decimal => {
                input id=(id) type="number" step="any" name=(name) value=(text) aria-describedby=(help);
            }
            Kind::Number => {
                input id=(id) type="number" name=(name) value=(text) aria-describedby=(help);
            }
            Kind::Text => {
                input id=(id) type="text" name=(name) value=(text) autocomplete="off" autocapitalize="off"
                    spellcheck="false" aria-describedby=(help);
            }
            Kind::Flag | Kind::Choice(_) | Kind::Named(_) => { select id=(id) name=(name) aria-describedby=(help) {
                option value="" { "default" }
                @if !text.is_empty() && !choices.iter().any(|(choice, _)| *choice == text) {
                    option value=(text) selected translate="no" { (text) }
                }
                @for (choice, shown) in choices { option value=(choice) selected[choice == text] translate=[(choice == shown).then_some("no")] { (shown) } }
            } }
        }
        p.muted.help id=(help) {
            (field.says)
            @if field.kind == Kind::Secret && !text.is_empty() { " Left empty, it stays as it is." }
        }
    }
}
