//! The page of phones: who is here, and how another one comes.

use super::page::{Place, alert, frame, token};
use super::phones::{Here, Told};
use super::words;
use crate::phone::pairing::Mac;
use crate::units::Wall;
use maud::{Markup, html};
use std::net::IpAddr;

/// The list and the form.
pub(super) fn content(
    here: &[Here],
    served: &[(String, Wall, IpAddr)],
    form: &str,
    (wrong, typed): (Option<&str>, &[(String, String)]),
) -> Markup {
    let again = |key: &str| typed.iter().find(|(name, _)| name == key).map(|(_, value)| value.as_str());
    let devices = [
        ("grandstream", "Behind a Grandstream HT801 or HT802"),
        ("cisco", "Behind a Cisco SPA adapter"),
        ("any", "Any other SIP phone, adapter or app"),
    ];
    html! {
        h1 { "Phones" }
        @if let Some(wrong) = wrong { (alert(wrong)) }
        section.card.peers {
            h2 { "Here" }
            @if here.is_empty() { p.muted { "No phone is paired yet." } }
            ul {
                @for one in here { (phone(one, form)) }
            }
            @for (name, at, from) in served.iter().rev() {
                p.muted { (name) ": its adapter fetched its settings at " (words::time(*at)) " from " (from) "." }
            }
        }
        section.card {
            h2 { "Pair a phone" }
            p.muted.lead { "The box makes a password for it and shows it once. A pairing that is not used within 15 minutes lapses." }
            form method="post" action="/phones" {
                (token(form))
                label for="name" { "Name" }
                input #name type="text" name="name" value=[again("name")] maxlength="32" autocomplete="off" placeholder="hall" required;
                label for="device" { "What it is" }
                select #device name="device" {
                    @for (value, shown) in devices { option value=(value) selected[again("device") == Some(value)] { (shown) } }
                }
                label for="jack" { "Socket of the adapter" }
                select #jack name="jack" {
                    option value="1" { "PHONE or PHONE 1" }
                    option value="2" selected[again("jack") == Some("2")] { "PHONE 2" }
                }
                label for="mac" { "MAC address of the adapter" }
                input #mac type="text" name="mac" value=[again("mac")] autocomplete="off" autocapitalize="off" spellcheck="false"
                    translate="no" placeholder="c0:74:ad:12:34:56" aria-describedby="mac-help";
                p #mac-help .muted.lead { "On its label, 12 digits and letters. Not needed for any other phone." }
                button.primary { "Pair" }
            }
        }
    }
}

fn phone(Here { peer, paired, .. }: &Here, form: &str) -> Markup {
    html! {
        li {
            span class=(if peer.up { "state up" } else { "state down" }) {
                @if peer.up { "Ready" } @else { "Not ready" }
            }
            b translate="no" { (peer.name) }
            span.muted {
                span { (peer.status) }
                @if let Some(since) = peer.registration.since { span { ", since " (words::time(since)) } }
                ". "
                @if let Some(paired) = paired {
                    span { "Paired on " (words::day(paired.paired)) }
                    @if let Some((mac, jack)) = paired.adapter { span { ", adapter " (Mac(mac)) ", socket " (jack) } }
                    @if !paired.used { span { ", waiting for its first registration" } }
                } @else { span { "From hold-slayer.toml" } }
            }
            @if let Some(paired) = paired {
                form method="post" action="/phones/unpair" {
                    (token(form))
                    input type="hidden" name="user" value=(paired.user);
                    button.danger aria-label={ "Take away " (paired.name) } { "Take away" }
                }
            }
        }
    }
}

/// What the owner types into the phone, shown once. `setup`: he is on his way through the set-up.
pub(super) fn told(told: &Told, form: &str, setup: bool) -> Markup {
    let content = html! {
        h1 { (told.name) " is paired" }
        section.card {
            p.lead { "This page is shown once. The phone has 15 minutes to register." }
            @match (told.device, &told.file) {
                ("grandstream", Some(file)) => (grandstream(file)),
                ("cisco", Some(file)) => (cisco(file)),
                _ => {}
            }
            h2 { @if told.file.is_some() { "Or type it in yourself" } @else { "Type into the phone" } }
            dl.figures.told {
                div { dt { "SIP server" } dd { code { (told.server) } } }
                div { dt { "User, also for authentication" } dd { code { (told.user) } } }
                div { dt { "Password" } dd { code { (told.secret) } } }
                div { dt { "Transport" } dd { "UDP" } }
                div { dt { "Register again after" } dd { "5 minutes" } }
            }
            @if setup { p { a.button href="/setup" { "Back to the set-up" } } }
            p { a href="/phones" { "To the phones" } }
        }
    };
    frame("Paired", Place::Phones, Some(form), &content)
}

/// Without scheme and file: what "Config Server Path" takes.
fn grandstream(file: &str) -> Markup {
    let path = file.trim_start_matches("http://").split('/').next().unwrap_or_default();
    html! {
        h2 { "The adapter sets itself up" }
        ol.steps {
            li { "Lift its phone, dial " kbd { "***" } " and " kbd { "02" } ": it says its address. Open that address in a browser and log in; the password is on its label." }
            li { "Under " b translate="no" { "Advanced Settings" } ", choose " b translate="no" { "Upgrade via HTTP" } " and write " code { (path) } " as " b translate="no" { "Config Server Path" } "." }
            li { "Press " b translate="no" { "Apply" } ", then " b translate="no" { "Reboot" } ". It fetches its settings and registers within two minutes." }
        }
    }
}

fn cisco(file: &str) -> Markup {
    html! {
        h2 { "The adapter sets itself up" }
        ol.steps {
            li { "Lift its phone, dial " kbd { "****" } " and " kbd { "110#" } ": it says its address." }
            li { "Open " code { "http://" i { "that address" } "/admin/resync?" (file) } " in a browser." }
            li { "It fetches its settings and registers within two minutes." }
        }
    }
}
