//! The frame that all pages share, and the plain ones: login, errors, notices.

use super::answer::reason;
use super::claim::Entry;
use maud::{DOCTYPE, Markup, html};

/// The style sheet.
pub(super) const STYLE: &str = include_str!("assets/page.css");
/// The script: refreshes the start page and lets its clocks run. Nothing needs it.
pub(super) const SCRIPT: &str = include_str!("assets/page.js");
/// The mark.
pub(super) const ICON: &str = include_str!("assets/icon.svg");

/// Names the files' content in their addresses, so that browsers may keep them.
const VERSION: u32 = fnv(STYLE.as_bytes()) ^ fnv(SCRIPT.as_bytes()).rotate_left(1);

/// FNV-1a.
const fn fnv(bytes: &[u8]) -> u32 {
    let (mut hash, mut at) = (0x811c_9dc5_u32, 0);
    while at < bytes.len() {
        hash = (hash ^ bytes[at] as u32).wrapping_mul(0x0100_0193);
        at += 1;
    }
    hash
}

/// Where a page is in the navigation.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// The start page.
    Now,
    /// The history and its calls.
    History,
    /// Flows through menus.
    Flows,
    /// Pairing.
    Phones,
    /// Everything that can be changed.
    Settings,
    /// Elsewhere.
    None,
}

/// A whole page. `form` is the token of the browser's forms; `None`: nobody is logged in.
pub(super) fn frame(title: &str, place: Place, form: Option<&str>, content: &Markup) -> Markup {
    whole(title, place, form, (content, None))
}

/// The same of the start page; where there is no script, it is fetched anew after so many seconds.
pub(super) fn refreshed(title: &str, place: Place, form: &str, (content, after): (&Markup, u32)) -> Markup {
    whole(title, place, Some(form), (content, Some(after)))
}

fn whole(title: &str, place: Place, form: Option<&str>, (content, after): (&Markup, Option<u32>)) -> Markup {
    let current = |here: Place| (here == place).then_some("page");
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { (title) " · Hold Slayer" }
                link rel="icon" href="/favicon.svg" type="image/svg+xml";
                link rel="stylesheet" href={ "/assets/page.css?" (VERSION) };
                script src={ "/assets/page.js?" (VERSION) } defer {}
                @if let Some(after) = after { noscript { meta http-equiv="refresh" content={ (after) "; url=/" }; } }
            }
            body {
                a.skip href="#content" { "To the content" }
                header {
                    a.brand href="/" { img src="/favicon.svg" alt="" width="28" height="28"; span { "Hold Slayer" } }
                    @if let Some(form) = form {
                        nav aria-label="Pages" {
                            a href="/" aria-current=[current(Place::Now)] { "Now" }
                            a href="/history" aria-current=[current(Place::History)] { "History" }
                            a href="/flows" aria-current=[current(Place::Flows)] { "Menus" }
                            a href="/phones" aria-current=[current(Place::Phones)] { "Phones" }
                            a href="/settings" aria-current=[current(Place::Settings)] { "Settings" }
                            form method="post" action="/logout" { (token(form)) button.link { "Log out" } }
                        }
                    }
                }
                main #content { (content) }
                // The style sheet shows the one that the page is not in.
                footer {
                    form method="post" action="/language" aria-label="Language" {
                        button.link name="language" value="de" lang="de" translate="no" { "Deutsch" }
                        button.link name="language" value="en" lang="en" translate="no" { "English" }
                    }
                }
            }
        }
    }
}

/// The hidden field that proves that a form is ours.
pub(super) fn token(form: &str) -> Markup {
    html! { input type="hidden" name="csrf" value=(form); }
}

/// Something needs attention.
pub(super) fn alert(words: &str) -> Markup {
    html! { p.alert role="alert" { (words) } }
}

/// The login page, with what went wrong the last time.
pub(super) fn login(wrong: Option<&str>, entry: Entry) -> Markup {
    if entry == Entry::Unclaimed {
        return welcome(wrong);
    }
    let content = html! {
        section.card.narrow {
            h1 { "Log in" }
            p.muted { "This page can hold, take and end your calls, so it asks who you are." }
            @if let Some(wrong) = wrong { (alert(wrong)) }
            form method="post" action="/login" {
                label for="password" { "Password" }
                input #password type="password" name="password" autocomplete="current-password" required autofocus;
                button.primary { "Log in" }
            }
            @if entry == Entry::Pressed {
                h2 { "Choose a new password" }
                p { "The button on the box was held for ten seconds. For ten minutes, the first to choose a password here has the page." }
                form method="post" action="/claim" { (new_password("Claim this box")) }
            } @else {
                details {
                    summary { "Forgotten?" }
                    p.muted { "Run " code { "sudo hold-slayer ctl claim" } " on the box: it prints a code that is good for ten minutes. Or, where it has a button, hold that for ten seconds and open this page anew." }
                    p.muted { "A box on a card of its own: write a password under [web] in hold-slayer.toml on the drive HOLDSLAYER, at any computer." }
                    form method="post" action="/claim" { (code()) (new_password("Choose it")) }
                }
            }
        }
    };
    frame("Log in", Place::None, None, &content)
}

/// Nobody has the box yet.
fn welcome(wrong: Option<&str>) -> Markup {
    let content = html! {
        section.card.narrow {
            h1 { "Your new box" }
            p { "Nobody has claimed it yet. Where it was started it printed a code: that is the proof that it is yours. As a service it shows it on the screen that is plugged into it, and "
                code { "journalctl -u hold-slayer" } " has it." }
            p.muted { "Or, where it has a button, hold that for ten seconds and open this page anew: then it asks for no code." }
            p.muted { "A box on a card of its own: write a password under [web] in hold-slayer.toml on the drive HOLDSLAYER, at any computer." }
            @if let Some(wrong) = wrong { (alert(wrong)) }
            form method="post" action="/claim" { (code()) (new_password("Claim this box")) }
        }
    };
    frame("Your new box", Place::None, None, &content)
}

fn code() -> Markup {
    html! {
        label for="code" { "Code" }
        input #code type="text" name="code" autocomplete="off" autocapitalize="off" spellcheck="false" maxlength="16" translate="no" placeholder="abcd-efgh" required;
    }
}

fn new_password(button: &str) -> Markup {
    html! {
        label for="new" { "New password, at least 8 characters" }
        input #new type="password" name="password" autocomplete="new-password" minlength="8" required;
        button.primary { (button) }
    }
}

/// An error without a login: what happened and what to do.
pub(super) fn error(status: u16, words: &str) -> Markup {
    let content = html! {
        section.card.narrow {
            h1 { (reason(status)) }
            p { (words) }
            p { a href="/" { "To the start page" } }
        }
    };
    frame(reason(status), Place::None, None, &content)
}

/// A page that can only say why it is empty.
pub(super) fn notice(form: &str, title: &str, words: &str) -> Markup {
    let content = html! {
        section.card { h1 { (title) } p { (words) } }
    };
    frame(title, Place::History, Some(form), &content)
}
