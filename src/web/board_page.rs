//! Button, lamp, handset and loudspeaker as the box feels them, and buttons to try them out.

use super::Site;
use super::answer::Answer;
use super::page::{Place, alert, frame, token};
use crate::board::handset::{Front, State, Wish};
use crate::board::panel::Seen;
use crate::clock;
use core::time::Duration;
use maud::{Markup, html};

/// How long the lamp blinks and a tone sounds.
const TRY: Duration = Duration::from_secs(10);
/// The page looks again every second, so many times.
const WATCH: u8 = 60;
/// A voice at the right distance comes to about this, dBm0.
const VOICE_DBM0: core::ops::RangeInclusive<f32> = -35.0..=-6.0;

/// The page. With `left` it shows itself anew every second, so many times more; `told` is what came of a try.
pub(super) fn page(site: &Site, form: &str, left: Option<&str>, told: Option<(u16, &str)>) -> Answer {
    let left = left.and_then(|left| left.parse::<u8>().ok()).map_or(0, |left| left.min(WATCH));
    let seen = site.board.panel.as_ref().map(|panel| *panel.seen.borrow());
    let now = |front: &Option<Front>| front.as_ref().map(|one| (*one.state.borrow(), *one.wishes.borrow()));
    let (handset, monitor) = (now(&site.board.handset), now(&site.board.monitor));
    let troubles = site.snapshot.borrow().troubles.clone();
    let of =
        |what: &str| troubles.iter().filter(|trouble| trouble.starts_with(what)).cloned().collect::<Vec<_>>();
    let content = html! {
        p { a href="/settings" { "← Settings" } }
        h1 { "Button, lamp and handset" }
        @if let Some((_, told)) = told { (alert(told)) }
        p {
            @if left > 0 { "This page shows itself anew every second. " a href="/board" { "Stop" } }
            @else { a href={ "/board?left=" (WATCH) } { "Watch for a minute" } }
        }
        (panel(seen.unwrap_or_default(), &of("button"), &of("lamp"), form))
        @match handset {
            None => section.card {
                h2 { "Handset" }
                p { "The box has none. Name its sound card under Settings, Handset on the box, and its hook in the board file." }
            },
            Some((state, wish)) => (self::handset(state, wish, &of("handset"), form)),
        }
        @match monitor {
            None => section.card {
                h2 { "Loudspeaker" }
                p { "The box has none. Name a sound card under Settings, Loudspeaker on the box: held calls are heard on it." }
            },
            Some((state, wish)) => (self::monitor(state, wish, &of("monitor"), form)),
        }
    };
    let status = told.map_or(200, |(status, _)| status);
    let answer =
        Answer::page(status, frame("Button, lamp and handset", Place::Settings, Some(form), &content));
    match left {
        0 => answer,
        left => answer.with("Refresh", format!("1; url=/board?left={}", left - 1)),
    }
}

/// Does what one of the page's buttons says.
pub(super) fn attempt(site: &Site, body: &[(String, String)], form: &str) -> Answer {
    let until = Some(clock::now() + TRY);
    let wanted = body.iter().find(|(key, _)| key == "do").map_or("", |(_, value)| value.as_str());
    let (telephone, wanted) = match wanted.strip_prefix("monitor-") {
        Some(wanted) => (&site.board.monitor, wanted),
        None => (&site.board.handset, wanted),
    };
    let done = match (wanted, &site.board.panel, telephone) {
        ("blink", Some(panel), _) if panel.seen.borrow().lamp.is_some() => {
            panel.blink.send_replace(until);
            Ok(())
        }
        ("tone", _, Some(telephone)) if telephone.state.borrow().card => {
            telephone.wishes.send_modify(|wish| wish.tone_until = until);
            Ok(())
        }
        ("aloud", _, Some(telephone)) => {
            telephone.wishes.send_modify(|wish| wish.aloud = !wish.aloud);
            Ok(())
        }
        ("blink", ..) => Err("There is no lamp to blink: see what is wrong with it below."),
        ("tone" | "aloud", ..) => Err("There is no sound card to play on: see what is wrong with it below."),
        _ => Err("There is nothing of this kind to be tried."),
    };
    match done {
        Ok(()) => Answer::see("/board?left=12".into()),
        Err(why) => page(site, form, None, Some((409, why))),
    }
}

fn panel(seen: Seen, button: &[String], lamp: &[String], form: &str) -> Markup {
    html! {
        section.card {
            h2 { "Button" }
            @for trouble in button { (alert(trouble)) }
            @match seen.button {
                Some(true) => p { "It is pressed now." },
                Some(false) => p { "It is not pressed. Press it, and this page says so while you watch." },
                None if button.is_empty() => p { "The board has none: the page and the phone's keys do the same." },
                None => p { "It cannot be felt. Put right what is said above; the box looks for it every five seconds." },
            }
        }
        section.card {
            h2 { "Lamp" }
            @for trouble in lamp { (alert(trouble)) }
            @match seen.lamp {
                Some(lit) => {
                    p { @if lit { "It is lit now." } @else { "It is dark now." } }
                    form method="post" action="/board" {
                        (token(form))
                        button name="do" value="blink" { "Blink for ten seconds" }
                    }
                    p.muted { "If it stays dark, look whether the LED is the right way round: its longer leg is where the board file says." }
                },
                None if lamp.is_empty() => p { "The board has none." },
                None => p { "It cannot be lit. Put right what is said above; the box looks for it every five seconds." },
            }
        }
    }
}

fn handset(state: State, wish: Wish, troubles: &[String], form: &str) -> Markup {
    html! {
        section.card {
            h2 { "Handset" }
            @for trouble in troubles { (alert(trouble)) }
            dl.figures {
                dt { "Hook" }
                dd { @match state.hook { Some(true) => "lifted", Some(false) => "down", None => "not felt" } }
                dt { "Sound card" }
                dd { @if state.card { "open" } @else { "not there" } }
                dt { "Keypad" }
                dd {
                    @if state.keypad { "there" }
                    // One that is not named is not missed.
                    @else if troubles.iter().any(|trouble| trouble.starts_with("handset, keypad: ")) { "not there" }
                    @else { "none" }
                }
                dt { "Bell" }
                dd { @if state.rings { "rings" } @else { "is silent" } }
                dt { "Sound lost" }
                dd { (state.lost) " times since the start" }
            }
            @if state.hook == Some(true) { p.muted { "If it says lifted while it is down, turn active_low of the hook round in the board file." } }
            (self::level(state.level_dbm0))
            (tries(wish, ["tone", "aloud"], form))
            p.muted { "The tone is heard in the earpiece and on what rings. Speak meanwhile: the microphone's level stands here." }
        }
    }
}

fn monitor(state: State, wish: Wish, troubles: &[String], form: &str) -> Markup {
    html! {
        section.card {
            h2 { "Loudspeaker" }
            @for trouble in troubles { (alert(trouble)) }
            dl.figures {
                dt { "Sound card" }
                dd { @if state.card { "open" } @else { "not there" } }
                dt { "Sound lost" }
                dd { (state.lost) " times since the start" }
            }
            (tries(wish, ["monitor-tone", "monitor-aloud"], form))
        }
    }
}

fn tries(wish: Wish, [tone, aloud]: [&str; 2], form: &str) -> Markup {
    html! {
        form method="post" action="/board" {
            (token(form))
            button name="do" value=(tone) { "Play a tone for ten seconds" }
            " "
            button name="do" value=(aloud) {
                @if wish.aloud { "Held calls are heard aloud: stop that" } @else { "Hear held calls aloud" }
            }
        }
    }
}

/// What the microphone hears, and what to do about it.
fn level(level_dbm0: Option<f32>) -> Markup {
    let Some(level) = level_dbm0 else {
        return html! { p { "The microphone rests: it is heard in calls and while the tone plays." } };
    };
    html! {
        p { "The microphone hears " (level.round() as i32) " dB." }
        @if level > *VOICE_DBM0.end() {
            p { "That is too loud: set microphone lower under Settings, Handset on the box." }
        } @else if level >= *VOICE_DBM0.start() {
            p { "That is right for a voice." }
        } @else {
            p { "That is quiet. If somebody speaks into it, set microphone higher under Settings, Handset on the box, or look whether it is muted." }
        }
    }
}
