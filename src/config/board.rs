//! `[board]` and the board files: which lines the button, the lamp and a handset are on.

use super::handset;
use crate::board::{Bias, Board, ButtonLine, LampLine, Place, Sound};
use crate::tables::{Mistakes, Section, Source};
use core::time::Duration;
use std::path::Path;
use toml::de::DeTable;

/// Boards that are built in.
const BUILT_IN: [(&str, &str); 5] = [
    ("generic", include_str!("../../board/generic.toml")),
    ("pi3", include_str!("../../board/pi3.toml")),
    ("pi4", include_str!("../../board/pi4.toml")),
    ("pi5", include_str!("../../board/pi5.toml")),
    ("zero2", include_str!("../../board/zero2.toml")),
];

/// `[board] file`: a built-in name, or the path of a file beside the configuration.
pub(super) fn choose<'t>(
    source: &mut Source<'t>,
    root: &DeTable<'t>,
    open: &dyn Fn(&Path) -> std::io::Result<String>,
) -> Board {
    let mut s = super::section(source, root, "[board]", &["file"]);
    let allowed = "allowed is \"generic\", \"pi3\", \"pi4\", \"pi5\", \"zero2\", or the path of a board file ending in .toml";
    let known = |text: &str| BUILT_IN.iter().any(|(name, _)| *name == text) || text.ends_with(".toml");
    let file = s.text("file", allowed, |text| known(text).then(|| text.to_owned()));
    let file = file.as_deref().unwrap_or("generic");
    let board = match BUILT_IN.iter().find(|(name, _)| *name == file) {
        Some((_, text)) => parse(text, file),
        None => match open(Path::new(file)) {
            Ok(text) => parse(&text, file),
            Err(error) => {
                s.refuse("file", &format!("the board file cannot be read: {error}"));
                return Board::default();
            }
        },
    };
    board.unwrap_or_else(|mistakes| {
        source.adopt(mistakes);
        Board::default()
    })
}

/// What a board file may say.
const BOARD_KEYS: [&str; 8] = ["name", "media_core", "button", "lamp", "hook", "dial", "bell", "sound"];
const CONTACT_KEYS: [&str; 7] = ["line", "chip", "offset", "input", "active_low", "bias", "debounce"];

/// Reads one board file.
fn parse(text: &str, file: &str) -> Result<Board, Mistakes> {
    let mut source = Source::new(file, text);
    let root = source.root().unwrap_or_default();
    let mut s = Section::open(&mut source, "", Some((0, &root)), &BOARD_KEYS);
    let name =
        s.needed("name", "needed is the board's name, in quotes", |t| Some(t.to_owned())).unwrap_or_default();
    let media_core = s.number("media_core", 0..=1023).and_then(|core| u16::try_from(core).ok());
    let there = BOARD_KEYS.map(|key| s.has(key));
    let has = |key: &str| BOARD_KEYS.iter().zip(there).any(|(known, there)| there && *known == key);
    let mut contact = |title: &'static str, key: &str| {
        let mut s = super::section(&mut source, &root, title, &CONTACT_KEYS);
        has(key).then(|| button(&mut s)).flatten()
    };
    let [button, hook, dial] =
        [contact("[button]", "button"), contact("[hook]", "hook"), contact("[dial]", "dial")];
    let mut driven = |title: &'static str, key: &str| {
        let mut s = super::section(&mut source, &root, title, &["line", "chip", "offset", "active_low"]);
        has(key).then(|| lamp(&mut s)).flatten()
    };
    let [lamp, bell] = [driven("[lamp]", "lamp"), driven("[bell]", "bell")];
    let mut s = super::section(&mut source, &root, "[sound]", &["handset", "speaker"]);
    let mut card = |key: &str| s.text(key, handset::CARD, handset::owned);
    let sound = Sound { handset: card("handset"), speaker: card("speaker") };
    source.finish(Board { name, button, lamp, hook, dial, bell, sound, media_core })
}

fn button(s: &mut Section<'_, '_>) -> Option<ButtonLine> {
    let input =
        s.text("input", "allowed is the kernel's name of an input device, such as \"Power Button\"", |t| {
            (1..=80).contains(&t.len()).then(|| t.to_owned())
        });
    // A button that is a device needs no line; whatever is said of one is read all the same.
    let has_line = !s.has("input") || s.has("line");
    let place = if has_line { Some(place(s)?) } else { no_place(s) };
    let active_low = s.flag("active_low").unwrap_or(true);
    let bias = s.text("bias", "allowed is one of pull-up, pull-down, none", |text| match text {
        "pull-up" => Some(Bias::PullUp),
        "pull-down" => Some(Bias::PullDown),
        "none" => Some(Bias::None),
        _ => None,
    });
    let bias = bias.unwrap_or(if active_low { Bias::PullUp } else { Bias::PullDown });
    let debounce = s.duration("debounce", Duration::from_millis(1)..=Duration::from_millis(200));
    Some(ButtonLine {
        place,
        input,
        active_low,
        bias,
        debounce: debounce.unwrap_or(Duration::from_millis(20)),
    })
}

fn lamp(s: &mut Section<'_, '_>) -> Option<LampLine> {
    let place = place(s);
    let active_low = s.flag("active_low").unwrap_or(false);
    Some(LampLine { place: place?, active_low })
}

/// Without a line there is nothing that chip and offset could be a fallback for.
fn no_place(s: &mut Section<'_, '_>) -> Option<Place> {
    for key in ["chip", "offset"] {
        if s.has(key) {
            s.refuse(key, "it needs line, the name that is looked for first");
        }
    }
    None
}

fn place(s: &mut Section<'_, '_>) -> Option<Place> {
    let text = |t: &str| (1..=32).contains(&t.len()).then(|| t.to_owned());
    let name = s.needed("line", "needed is the kernel's name of the line, such as \"GPIO17\"", text);
    let chip = s.text("chip", "allowed is a chip by its label or its name, such as \"pinctrl-rp1\"", |t| {
        text(t).filter(|t| !t.contains('/'))
    });
    let offset = s.number("offset", 0..=4095);
    if s.has("chip") != s.has("offset") {
        let key = if s.has("chip") { "chip" } else { "offset" };
        s.refuse(key, "chip and offset belong together: give both or neither");
    }
    Some(Place { name: name?, fallback: chip.zip(offset) })
}
