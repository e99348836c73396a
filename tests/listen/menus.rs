//! A company of thirty menus and more in two languages, as a recogniser writes them down: whether their options are read and the
//! way by words leads where the owner wants. The menus were written before the code was tried on them; of every two companies
//! the second is only counted here.

use hold_slayer::listen::Sound;
use hold_slayer::listen::words::Language;
use hold_slayer::listen::words::menu::options;
use hold_slayer::slay::explore::{Explorer, Input, Output};
use hold_slayer::units::Instant;

#[derive(Default)]
struct Company {
    name: String,
    menus: Vec<(String, String, Vec<Way>)>,
    wishes: Vec<(String, String)>,
}

struct Way {
    key: char,
    to: String,
    label: String,
    forbidden: bool,
}

fn companies(text: &str) -> Vec<Company> {
    let mut all: Vec<Company> = Vec::new();
    for line in text.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
        if let Some(name) = line.strip_prefix("company ") {
            all.push(Company { name: name.into(), ..Company::default() });
            continue;
        }
        let company = all.last_mut().unwrap();
        if let Some((name, said)) = line.strip_prefix("menu ").and_then(|rest| rest.split_once(": ")) {
            company.menus.push((name.into(), said.into(), Vec::new()));
        } else if let Some((wish, keys)) = line.strip_prefix("wish ").and_then(|rest| rest.split_once(" > "))
        {
            company.wishes.push((wish.into(), keys.replace(' ', "")));
        } else {
            // `  # > top: repeat` is a key, too.
            let rest = line.strip_prefix("  ").unwrap();
            let (head, label) = rest.split_once(": ").unwrap();
            let mut head = head.split(' ');
            let key = head.next().unwrap().chars().next().unwrap();
            let forbidden = head.next() == Some("!");
            let to = head.next().unwrap().into();
            company.menus.last_mut().unwrap().2.push(Way { key, to, label: label.into(), forbidden });
        }
    }
    all
}

/// The keys that the explorer presses, `-` where it asks the owner, and whether one of them was forbidden.
fn walk(company: &Company, wish: &str, language: Language) -> (String, bool) {
    let at = |ms: u64| Instant(ms * 1000);
    let (mut now, mut pressed, mut forbidden) = (0, String::new(), false);
    let mut menu = company.menus.first();
    let mut machine = Explorer::new(at(0), wish, language, 3);
    while now < 300_000 {
        if let Some((_, said, _)) = menu {
            // It is said within 8 s, cut in two where a sentence ends, and understood half a second later.
            let half = said.len() / 2;
            let cut = said[..said.floor_char_boundary(half)].rfind(". ").map_or(0, |cut| cut + 2);
            machine.handle(at(now + 500), Input::Sound(Sound::Speech));
            machine.handle(at(now + 8_000), Input::Sound(Sound::Silence));
            for part in [&said[..cut], &said[cut..]].iter().filter(|part| !part.is_empty()) {
                machine.handle(at(now + 8_500), Input::Words(at(now + 600), part.trim().into()));
            }
        } else {
            machine.handle(at(now + 500), Input::Sound(Sound::Music));
        }
        let next = now + 20_000;
        now += 8_500;
        let mut key = None;
        while now < next && key.is_none() {
            machine.handle(at(now), Input::Timeout);
            while let Some(out) = machine.poll() {
                match out {
                    Output::Press(digit, _) => key = Some(digit.as_char()),
                    Output::Hold | Output::Person => return (pressed, forbidden),
                    Output::Owner(_) | Output::HangUp(_) => return (pressed + "-", forbidden),
                    // Without a language model nobody is asked.
                    Output::Decided(..) | Output::Ask(_) => {}
                }
            }
            now += 100;
        }
        if let Some(key) = key {
            pressed.push(key);
            let way = menu.and_then(|(_, _, ways)| ways.iter().find(|way| way.key == key));
            forbidden |= way.is_none_or(|way| way.forbidden);
            menu = way.and_then(|way| company.menus.iter().find(|(name, ..)| *name == way.to));
        }
    }
    (pressed, forbidden)
}

#[test]
fn options_are_read_and_the_wish_is_found_and_never_what_is_forbidden() {
    let both =
        [(Language::English, include_str!("menus/en.txt")), (Language::German, include_str!("menus/de.txt"))];
    // Looked at while the code was written, and only counted.
    let mut options_read = [(0, 0), (0, 0)];
    let mut wishes_met = [(0, 0), (0, 0)];
    let mut menus = 0;
    for (language, text) in both {
        for (n, company) in companies(text).iter().enumerate() {
            let half = n % 2;
            for (_, said, ways) in &company.menus {
                menus += 1;
                let found = options(said, language);
                for way in ways {
                    let right =
                        found.iter().any(|choice| choice.key == way.key && choice.label.contains(&way.label));
                    options_read[half].0 += u32::from(right);
                    options_read[half].1 += 1;
                    if !right && half == 0 {
                        println!("{}: {} {} is not in {found:?}", company.name, way.key, way.label);
                    }
                }
            }
            for (wish, keys) in &company.wishes {
                let (pressed, forbidden) = walk(company, wish, language);
                assert!(!forbidden, "{}: {wish}: {pressed}", company.name);
                // `-`: whatever was pressed before, the owner is asked.
                let right = if keys == "-" { pressed.ends_with('-') } else { pressed == *keys };
                wishes_met[half].0 += u32::from(right);
                wishes_met[half].1 += 1;
                if !right && half == 0 {
                    println!("{}: {wish}: {pressed} in place of {keys}", company.name);
                }
            }
        }
    }
    let share = |(right, all): (u32, u32)| f64::from(right) / f64::from(all);
    for (half, name) in ["looked at", "only counted"].iter().enumerate() {
        let (options, wishes) = (options_read[half], wishes_met[half]);
        println!(
            "{name}: options {} of {} ({:.1} %), wishes {} of {} ({:.1} %)",
            options.0,
            options.1,
            100.0 * share(options),
            wishes.0,
            wishes.1,
            100.0 * share(wishes)
        );
    }
    assert!(menus >= 30, "{menus}");
    assert!(share(options_read[1]) >= 0.95, "{options_read:?}");
    assert!(share(wishes_met[1]) >= 0.9, "{wishes_met:?}");
}
