//! The card that `make image` makes, started: `run.sh` gives it a network of its own, and this test is everything around it: the
//! provider (SIPp), the phone (baresip), the finger on the button, and who pulls the plug. Everywhere else these are left out.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

#[allow(dead_code)]
#[path = "../peers/baresip.rs"]
mod baresip;
#[allow(dead_code)]
#[path = "../box/far.rs"]
mod far;
#[allow(dead_code)]
#[path = "../peers/line.rs"]
mod line;
mod machine;
#[allow(dead_code)]
#[path = "../peers/phone.rs"]
mod phone;
#[allow(dead_code)]
#[path = "../peers/place.rs"]
mod place;
#[allow(dead_code)]
#[path = "../peers/process.rs"]
mod process;
#[allow(dead_code)]
#[path = "../box/running.rs"]
mod running;
#[allow(dead_code)]
#[path = "../peers/sipp.rs"]
mod sipp;
#[allow(dead_code)]
#[path = "../peers/sound.rs"]
mod sound;
mod updates;
#[allow(dead_code)]
#[path = "../peers/way.rs"]
mod way;

use baresip::Baresip;
use hold_slayer::call::Outcome;
use hold_slayer::store::Store;
use line::Line;
use machine::{BOX, Card, HERE, Machine, SLOW, data_partition, file_system};
use phone::{Account, Softphone};
use place::Place;
use process::{SOON, until, wait};
use running::{Page, claim};
use serde_json::json;
use sipp::Sipp;
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::time::{Duration, Instant};

const NUMBER: &str = "18005550123";
const PASSWORD: &str = "pressed and looked at";
/// The sound of the phone's room, and of the person who comes.
const ROOM: f64 = 800.0;
const PERSON: f64 = 1200.0;

/// Everything outside the box.
struct Street {
    place: Place,
    provider: Sipp,
    company: Line,
}

impl Street {
    fn open() -> Self {
        let place = Place::at(HERE.into());
        let (company, sip) = (Line::open(place.ports(1)), place.ports(1));
        let provider = provider(&place, sip, &company);
        Self { place, provider, company }
    }

    /// A provider that has seen nobody yet, in the place of the one before.
    fn forget(&mut self) {
        let sip = self.provider.sip;
        // The old one lets go of its port first.
        self.provider = provider(&self.place, self.place.ports(1), &self.company);
        self.provider = provider(&self.place, sip, &self.company);
    }

    /// The card as a household prepares it on its computer, in Windows's way of writing.
    fn card(&self) -> Card {
        let board = "name = \"QEMU\"\n[button]\nline = \"POWER\"\nchip = \"gpiochip0\"\noffset = 3\nactive_low = false\nbias = \"none\"\n";
        let files = [
            ("hold-slayer.toml", &*windows(&self.settings())),
            ("board.toml", &windows(board)),
            ("box.txt", &windows("timezone = Europe/Berlin\n")),
        ];
        Card::flash(&self.place, &files)
    }

    fn settings(&self) -> String {
        format!(
            "[media]\ncalls = 2\n[web]\npassword = \"{PASSWORD}\"\n[board]\nfile = \"board.toml\"\n\
             [[trunk]]\nname = \"provider\"\nserver = \"{}\"\nuser = \"100000_box\"\nsecret = \"of the box\"\nexpires = \"60s\"\n\
             [[phone]]\nname = \"hall\"\nuser = \"hall\"\nsecret = \"of-the-hall\"\n",
            self.provider.sip
        )
    }

    /// Waits until the box is a telephone line: its trunk registered, its page up.
    fn box_is_up(&self, machine: &mut Machine) -> Page {
        wait("the box registers at the provider", SLOW, || {
            assert!(machine.is_on(), "the machine is off:\n{}", machine.console());
            self.provider.sent("SIP/2.0 200").iter().any(|answer| answer.contains("REGISTER")).then_some(())
        });
        wait("its page", SLOW, || TcpStream::connect_timeout(&page(), Duration::from_secs(2)).ok());
        Page::at(page(), PASSWORD)
    }

    fn phone(&self, name: &'static str, room: &Path) -> Baresip {
        let account = Account::hall(SocketAddr::new(BOX.into(), 5060));
        let phone = Baresip::start(&self.place, name, &account, room);
        phone.registers();
        phone
    }

    fn room(&self) -> std::path::PathBuf {
        let room = self.place.path("room.wav");
        sound::write(&room, &sound::tone(ROOM, 600));
        room
    }
}

/// As Windows's editor writes it.
fn windows(text: &str) -> String {
    format!("\u{feff}{}", text.replace('\n', "\r\n"))
}

fn provider(place: &Place, sip: SocketAddr, company: &Line) -> Sipp {
    let port = company.address.port().to_string();
    Sipp::start(place, "provider", sip, None, &[("sound", &port), ("expires", "60")])
}

fn page() -> SocketAddr {
    SocketAddr::new(BOX.into(), 8080)
}

/// Waits until the box only waits.
fn holds(page: &Page) {
    page.wait("a hold", |status| status["calls"][0]["phase"] == "holding");
}

/// Presses the button, once, and the box holds: however late it looks on a busy machine, the kernel has noted the press.
fn press_to_hold(machine: &Machine, page: &Page) {
    page.wait("the call is up", |status| status["calls"][0]["phase"] == "talking");
    machine.press();
    page.wait("the button is seen", |status| {
        ["confirming", "holding"].iter().any(|phase| status["calls"][0]["phase"] == *phase)
    });
}

/// What a machine of 512 MB may use with a call up, in KiB: all of it together, the box's own of that, and what has been written to
/// the data partition.
const BUDGET: [u64; 3] = [200 << 10, 64 << 10, 32 << 10];

/// The last figures that the machine has printed of itself.
fn look(machine: &Machine) -> String {
    wait("the machine's figures", SLOW, || {
        let console = machine.console().replace('\r', "");
        let end = console.rfind(" looked\n")?;
        let from = console[..end].rfind("MemTotal").unwrap_or(0);
        Some(console[from..end].to_owned())
    })
}

#[test]
#[ignore = "needs the card: make image-test"]
fn a_flashed_card_becomes_a_telephone_line_that_waits_on_hold() {
    let street = Street::open();
    let card = street.card();
    let begun = Instant::now();
    let megabytes = std::env::var("IMAGE_MEMORY").ok().and_then(|text| text.parse().ok()).unwrap_or(512);
    let mut machine = Machine::start(&street.place, &card, megabytes);
    let page = street.box_is_up(&mut machine);
    println!("from power to a registered line at the first start: {:.0} s", begun.elapsed().as_secs_f64());
    let phone = street.phone("phone", &street.room());
    println!("from power to a phone that can dial: {:.0} s", begun.elapsed().as_secs_f64());
    // Nobody logs in but over the page.
    for port in [22, 23] {
        let refused = TcpStream::connect_timeout(&SocketAddr::new(BOX.into(), port), Duration::from_secs(5));
        assert!(refused.is_err(), "port {port} is open");
    }
    let status = page.get("/api/v1/status");
    assert!(!status["troubles"].to_string().contains("button"), "the button is there: {status}");

    phone.dial(NUMBER);
    phone.talks(1);
    street.company.hears(ROOM);
    press_to_hold(&machine, &page);
    wait("the box's confirmation", SOON, || (sound::power(&phone.heard()) > 1e4).then_some(()));
    phone.hang_up();
    phone.is_free(1);
    holds(&page);

    street.company.play(&sound::music("macroform-cold_day", 12));
    until("the music is over", || street.company.is_played());
    assert!(phone.events("CALL_INCOMING").is_empty(), "it rang although nobody was there");
    let spoke = Instant::now();
    street.company.play(&sound::voice("chapter-one"));
    phone.rings(&format!("HOLD: {NUMBER}"));
    println!("from the first word to the ring: {:.1} s", spoke.elapsed().as_secs_f64());
    phone.accept();
    phone.talks(2);
    street.company.hush();
    street.company.play(&sound::tone(PERSON, 10));
    phone.hears(PERSON);
    street.company.hears(ROOM);
    // Who hangs up sooner was rung for nobody, and the box waits on.
    let talked = phone.heard().len() + 6 * sound::SECOND;
    wait("a talk", SOON, || (phone.heard().len() > talked).then_some(()));
    let figures = look(&machine);
    phone.hang_up();
    phone.is_free(2);
    let record = wait("the record", SOON, || {
        let calls = page.get("/api/v1/history?limit=100");
        (calls["calls"][0]["outcome"] == "slain").then(|| calls["calls"][0].clone())
    });
    assert_eq!(record["number"], NUMBER, "{record}");
    println!("of the machine, with a call up:\n{figures}");
    assert!(figures.contains("TZ=Europe/Berlin"), "box.txt names the time zone: {figures}");
    assert!(figures.contains("failed 0"), "every unit is well: {figures}");
    assert!(figures.contains("watchdog /dev/watchdog"), "systemd feeds the watchdog: {figures}");
    let column = |line: &str, n| line.split_whitespace().nth(n).unwrap().parse::<u64>().unwrap();
    let kibibytes = |name: &str| column(figures.lines().find(|line| line.starts_with(name)).unwrap(), 1);
    let data = figures.lines().find(|line| line.ends_with("/data")).unwrap();
    let used = [kibibytes("MemTotal:") - kibibytes("MemAvailable:"), kibibytes("rss"), column(data, 2)];
    println!("used, in KiB: {used:?} of {BUDGET:?}");
    assert!(used.iter().zip(BUDGET).all(|(used, budget)| *used <= budget), "over the budget: {used:?}");
    // The data partition has the rest of the card.
    assert!(column(data, 1) > 800_000, "{data}");
    assert_eq!(card.owners("PROBLEM.txt"), None);
}

#[test]
#[ignore = "needs the card: make image-test"]
fn a_card_as_it_was_written_is_claimed_by_the_code_that_it_shows_and_set_up_on_the_page() {
    let street = Street::open();
    let card = Card::flash(&street.place, &[]);
    let mut machine = Machine::start(&street.place, &card, 512);
    let code = wait("the code", SLOW, || {
        let console = machine.console();
        let (_, after) = console.split_once("until somebody has it: ")?;
        Some(after.split_once('\n')?.0.trim().to_owned())
    });
    wait("its page", SLOW, || TcpStream::connect_timeout(&page(), Duration::from_secs(2)).ok());
    claim(page(), &code, PASSWORD);
    let owner = Page::at(page(), PASSWORD);
    let server = street.provider.sip.to_string();
    let trunk = json!({ "name": "provider", "server": server, "user": "100000_box", "secret": "of the box" });
    let trunk = json!({ "section": "trunk", "values": trunk });
    assert_eq!(owner.send("/api/v1/settings", &trunk)["done"], true);
    assert_eq!(owner.send("/api/v1/restart", &json!({}))["done"], true);
    street.box_is_up(&mut machine);
    wait("what the page has written is on the card, too", SLOW, || {
        card.owners("hold-slayer.toml").filter(|text| text.contains("user = \"100000_box\"\r\n"))
    });
    assert_eq!(card.owners("PROBLEM.txt"), None);
}

#[test]
#[ignore = "needs the card: make image-test"]
fn a_mistake_in_the_settings_is_told_of_on_the_card_until_it_is_mended() {
    let street = Street::open();
    let card = street.card();
    let settings = street.settings();
    card.put(&street.place, "hold-slayer.toml", &format!("{settings}[hold]\ncap = \"for ever\"\n"));
    let machine = Machine::start(&street.place, &card, 512);
    let told = wait("PROBLEM.txt", SLOW, || card.owners("PROBLEM.txt").filter(|text| text.contains("cap")));
    println!("{told}");
    assert!(told.contains("for ever") && told.contains("the box runs"), "{told}");
    drop(machine);
    card.put(&street.place, "hold-slayer.toml", &settings);
    let mut machine = Machine::start(&street.place, &card, 512);
    let page = street.box_is_up(&mut machine);
    wait("PROBLEM.txt is gone", SLOW, || card.owners("PROBLEM.txt").is_none().then_some(()));
    let line = json!({ "section": "line", "values": { "country": "de" } });
    assert_eq!(page.send("/api/v1/settings", &line)["done"], true);
    assert_eq!(page.send("/api/v1/restart", &json!({}))["done"], true);
    wait("what the page has changed is on the card, too", SLOW, || {
        card.owners("hold-slayer.toml").filter(|text| text.contains("country = \"de\"\r\n"))
    });
}

#[test]
#[ignore = "needs the card: make image-test"]
fn a_card_that_is_broken_is_a_telephone_all_the_same_and_says_so() {
    let mut street = Street::open();
    let card = street.card();
    let language = |page: &Page| page.get("/api/v1/settings")["sections"]["line"]["country"].clone();
    card.ruin();
    for country in [json!(null), json!("de")] {
        let mut machine = Machine::start(&street.place, &card, 512);
        let page = street.box_is_up(&mut machine);
        let status = page.get("/api/v1/status");
        assert!(status["troubles"].to_string().contains("nothing is kept: the card is broken"), "{status}");
        let told = wait("PROBLEM.txt", SLOW, || {
            card.owners("PROBLEM.txt").filter(|text| text.contains("replace the card"))
        });
        assert!(told.contains("the box runs"), "{told}");
        let phone = street.phone("phone", &street.room());
        phone.dial(NUMBER);
        phone.talks(1);
        street.company.hears(ROOM);
        phone.hang_up();
        phone.is_free(1);
        // What the page changes is on the owner's partition, and so outlives the start.
        assert_eq!(language(&page), country);
        let line = json!({ "section": "line", "values": { "country": "de" } });
        assert_eq!(page.send("/api/v1/settings", &line)["done"], true);
        wait("it is on the card", SLOW, || {
            card.owners("hold-slayer.toml").filter(|text| text.contains("country = \"de\"\r\n"))
        });
        drop(phone);
        drop(machine);
        street.forget();
    }
}

#[test]
#[ignore = "needs the card: make image-test"]
fn power_that_goes_in_a_hold_costs_no_record() {
    let cuts: usize = std::env::var("IMAGE_CUTS").ok().and_then(|text| text.parse().ok()).unwrap_or(20);
    let mut street = Street::open();
    let card = street.card();
    let room = street.room();
    let mut longest = Duration::ZERO;
    for cut in 0..=cuts {
        let begun = Instant::now();
        let mut machine = Machine::start(&street.place, &card, 512);
        let page = street.box_is_up(&mut machine);
        longest = longest.max(begun.elapsed());
        let calls = page.get("/api/v1/history?limit=100");
        let calls = calls["calls"].as_array().unwrap().clone();
        assert_eq!(calls.len(), cut, "every call that was cut has its record: {calls:?}");
        assert!(calls.iter().all(|call| call["outcome"] == "interrupted"), "{calls:?}");
        println!(
            "cut {cut} of {cuts}: back after {:.0} s with {} records",
            begun.elapsed().as_secs_f64(),
            calls.len()
        );
        if cut == cuts {
            break;
        }
        let phone = street.phone("phone", &room);
        phone.dial(NUMBER);
        phone.talks(1);
        press_to_hold(&machine, &page);
        wait("the box's confirmation", SOON, || (sound::power(&phone.heard()) > 1e4).then_some(()));
        phone.hang_up();
        holds(&page);
        street.company.play(&sound::music("macroform-cold_day", 8));
        // Not always at the same moment of what the box writes.
        let moment = Duration::from_millis(u64::try_from(cut).unwrap_or(0) * 617 % 4_000);
        let held = Instant::now();
        wait("the moment of the cut", SOON, || (held.elapsed() >= moment).then_some(()));
        drop(machine);
        street.company.hush();
        street.forget();
    }
    println!("{cuts} cuts; the longest start took {:.0} s", longest.as_secs_f64());

    // The same from outside: the file system is mended by its journal alone, and the database opens.
    let file = street.place.path("data.img");
    data_partition(&card.file, &file);
    let name = file.to_str().unwrap();
    let (code, said) = file_system("e2fsck", &["-p", name]);
    assert!(code <= 1, "{code}: {said}");
    let (code, said) = file_system("e2fsck", &["-fn", name]);
    assert_eq!(code, 0, "{said}");
    let data = street.place.folder("data");
    let dump = format!("dump /box/hold-slayer.redb {}", data.join("hold-slayer.redb").display());
    file_system("debugfs", &["-R", &dump, name]);
    let (store, _) = Store::open(&data).unwrap();
    let records = store.history(None, 256).unwrap();
    assert_eq!(records.len(), cuts);
    assert!(records.iter().all(|record| record.outcome == Outcome::Interrupted));
    // The machine's own clock begins in 2020 each time; the saved one is a minute old at most.
    let times: Vec<_> = records.iter().rev().map(|record| record.started.0).collect();
    assert!(times.iter().all(|time| *time > 1_700_000_000_000), "{times:?}");
    assert!(times.windows(2).all(|pair| pair[1] + 70_000 > pair[0]), "{times:?}");
}
