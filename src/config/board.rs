//! `[board]` and the board files: which lines the button, the lamp and a handset are on.

use super::handset;
use crate::board::{Bias, Board, ButtonLine, LampLine, Place, Sound};
use crate::tables::{Mistake, Mistakes, Section, Source};
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

/// `[board] file`: a built-in name, or the path of a file beside the configuration. One that cannot be used is as the generic
/// board, and what is wrong with it is told: whether that is a mistake of the whole configuration is for who asked.
pub(super) fn choose<'t>(
    source: &mut Source<'t>,
    root: &DeTable<'t>,
    open: &dyn Fn(&Path) -> std::io::Result<String>,
) -> (Board, Vec<Mistake>) {
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
                let home = ["/home", "/root"].iter().any(|home| Path::new(file).starts_with(home));
                let advice =
                    if home { ". A service sees nothing there: put it beside hold-slayer.toml" } else { "" };
                let why = format!("the board file cannot be read: {error}{advice}");
                Err(Mistakes(s.fault("file", &why).into_iter().collect()))
            }
        },
    };
    match board {
        Ok(board) => (board, Vec::new()),
        Err(mistakes) => (generic(), mistakes.0),
    }
}

fn generic() -> Board {
    let (name, text) = BUILT_IN[0];
    parse(text, name).unwrap_or_default()
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
    let mut taken = Taken::default();
    let mut contact = |title: &'static str, key: &str| {
        let mut s = super::section(&mut source, &root, title, &CONTACT_KEYS);
        let button = has(key).then(|| button(&mut s)).flatten()?;
        taken.note(&mut s, title, button.place.as_ref(), button.input.as_deref());
        Some(button)
    };
    let [button, hook, dial] =
        [contact("[button]", "button"), contact("[hook]", "hook"), contact("[dial]", "dial")];
    let mut driven = |title: &'static str, key: &str| {
        let mut s = super::section(&mut source, &root, title, &["line", "chip", "offset", "active_low"]);
        let lamp = has(key).then(|| lamp(&mut s)).flatten()?;
        taken.note(&mut s, title, Some(&lamp.place), None);
        Some(lamp)
    };
    let [lamp, bell] = [driven("[lamp]", "lamp"), driven("[bell]", "bell")];
    let mut s = super::section(&mut source, &root, "[sound]", &["handset", "speaker"]);
    let mut card = |key: &str| s.text(key, handset::CARD, handset::owned);
    let sound = Sound { handset: card("handset"), speaker: card("speaker") };
    source.finish(Board { name, button, lamp, hook, dial, bell, sound, media_core })
}

/// What a board file has given away already: a line or a device is one thing only.
#[derive(Default)]
struct Taken(Vec<(&'static str, Option<Place>, Option<String>)>);

impl Taken {
    fn note(
        &mut self,
        s: &mut Section<'_, '_>,
        title: &'static str,
        place: Option<&Place>,
        input: Option<&str>,
    ) {
        for (other, its_place, its_input) in &self.0 {
            let same = place.zip(its_place.as_ref());
            let name = same.is_some_and(|(one, its)| one.name.is_some() && one.name == its.name);
            let spot = same.is_some_and(|(one, its)| one.fallback.is_some() && one.fallback == its.fallback);
            let device = input.is_some() && input == its_input.as_deref();
            let key = match (name, spot, device) {
                (true, ..) => "line",
                (_, true, _) => "offset",
                (.., true) => "input",
                _ => continue,
            };
            s.refuse(key, &format!("{other} has this one already; each needs its own"));
        }
        self.0.push((title, place.cloned(), input.map(str::to_owned)));
    }
}

fn button(s: &mut Section<'_, '_>) -> Option<ButtonLine> {
    let input =
        s.text("input", "allowed is the kernel's name of an input device, such as \"Power Button\"", |t| {
            (1..=80).contains(&t.len()).then(|| t.to_owned())
        });
    // A button that is a device needs no line.
    let has_line = ["line", "chip", "offset"].iter().any(|key| s.has(key)) || !s.has("input");
    let or = ", chip and offset, or input, the name of an input device";
    let place = if has_line { Some(place(s, or)?) } else { None };
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
    let place = place(s, ", or chip and offset");
    let active_low = s.flag("active_low").unwrap_or(false);
    Some(LampLine { place: place?, active_low })
}

/// By the kernel's name, by chip and offset, or by both; `or` is what else may stand where nothing does.
fn place(s: &mut Section<'_, '_>, or: &str) -> Option<Place> {
    let text = |t: &str| (1..=32).contains(&t.len()).then(|| t.to_owned());
    let [line, chip, offset] = ["line", "chip", "offset"].map(|key| s.has(key));
    if !line && !chip && !offset {
        s.refuse("line", &format!("needed is the kernel's name of the line, such as \"GPIO17\"{or}"));
    }
    let a_name =
        "allowed is the kernel's name of the line, such as \"GPIO17\"; a number goes with chip, as offset";
    let name = s.text("line", a_name, |t| text(t).filter(|t| !t.bytes().all(|b| b.is_ascii_digit())));
    let a_chip = "allowed is a chip by its label or its name, such as \"pinctrl-rp1\" or \"gpiochip0\"";
    let chip_name = s.text("chip", a_chip, |t| text(t).filter(|t| !t.contains('/')));
    let number = s.number("offset", 0..=4095);
    // A value that was refused is one mistake, not two.
    if chip_name.is_some() && !offset || number.is_some() && !chip {
        let key = if chip { "chip" } else { "offset" };
        s.refuse(key, "chip and offset belong together: give both or neither");
    }
    let fallback = chip_name.zip(number);
    (name.is_some() || fallback.is_some()).then_some(Place { name, fallback })
}
