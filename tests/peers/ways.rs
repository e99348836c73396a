//! Every way into a hold but those from within a call on the phone, which `slay.rs` has: the phone is baresip, whoever is
//! called or calls is SIPp, and the sound is real. Whichever way it began, the company is kept, hears nothing of the room,
//! the phone rings when somebody speaks and not before, and then both hear each other.

mod real_time {
    use crate::baresip::Baresip;
    use crate::household::{self, Household};
    use crate::line::{self, Line};
    use crate::page::{Browser, Program};
    use crate::phone::{Account, Softphone};
    use crate::place::Place;
    use crate::process::{SOON, until, wait};
    use crate::sipp::Sipp;
    use crate::sound;
    use hold_slayer::call::{Outcome, Record};
    use serde_json::json;
    use std::net::SocketAddr;
    use std::time::{Duration, SystemTime, UNIX_EPOCH};

    const NUMBER: &str = "18005550123";
    /// The sound of the phone's room.
    const ROOM: f64 = 800.0;
    /// What the person who came sends once the owner is there.
    const PERSON: f64 = 1200.0;
    /// A planned call is placed within the minute that follows.
    const PLANNED: Duration = Duration::from_secs(150);
    /// Where a telephone system sends calls to be held.
    const EXTENSION: &str = "777";

    /// A box on a trunk without registration, a phone at it, and the sound of whoever is called.
    struct Scene {
        trunk: SocketAddr,
        line: Line,
        phone: Baresip,
        household: Household,
        place: Place,
    }

    impl Scene {
        fn new() -> Self {
            let place = Place::new();
            let trunk = place.ports(1);
            let more = format!(
                "[menu]\nextension = \"{EXTENSION}\"\n[[speed_dial]]\ndigits = \"1\"\nnumber = \"{NUMBER}\"\n"
            );
            let household = Household::with(&place, &household::fixed(trunk), &more);
            let room = place.path("room.wav");
            sound::write(&room, &sound::tone(ROOM, 240));
            let phone = Baresip::start(&place, "phone", &Account::hall(household.sip), &room);
            phone.registers();
            let line = Line::open(place.ports(1));
            Self { trunk, line, phone, household, place }
        }

        /// SIPp behind the trunk: it is called, or it calls.
        fn sipp(&self, scenario: &'static str) -> Sipp {
            let port = self.line.address.port().to_string();
            let keys = [("line", EXTENSION), ("sound", &*port), ("talk", "200000")];
            let calls = (scenario == "caller").then_some(self.household.sip);
            Sipp::start(&self.place, scenario, self.trunk, calls, &keys)
        }

        fn browser(&self) -> Browser {
            Browser::log_in(self.household.page, household::PASSWORD)
        }

        fn program(&self) -> Program {
            self.browser().admits_a_program()
        }

        /// An ordinary call, both hearing each other.
        fn talks(&self) {
            self.phone.tell("dial", NUMBER);
            self.phone.event("CALL_ESTABLISHED");
            self.line.hears(ROOM);
            self.line.play(&sound::tone(PERSON, 1));
            self.phone.hears(PERSON);
        }

        /// The owner hears what the box says, and is let go.
        fn is_let_go(&self) {
            self.line.hears_silence();
            self.phone.event("CALL_CLOSED");
        }

        /// A call that is held since `held` by the way that was tried, from the queue to the end.
        fn ends_slain(mut self, company: &Sipp, held: SystemTime) -> Record {
            wait("the company hears the box", SOON, || (self.line.packets().len() > 50).then_some(()));
            // Whoever has sent a call to the box is heard out for 8 s before anybody is taken for a person.
            self.line.play(&sound::music("macroform-cold_day", 10));
            until("the music is over", || self.line.is_played());
            assert!(self.phone.events("CALL_INCOMING").is_empty(), "it rang although nobody was there");
            let calls = self.phone.events("CALL_ESTABLISHED").len();
            let spoke = SystemTime::now();
            self.line.play(&sound::voice("chapter-one"));
            let (_, ring) = self.phone.event("CALL_INCOMING");
            let rang = SystemTime::now();
            println!("the phone rang {:?} after the voice began", rang.duration_since(spoke).unwrap());
            assert!(ring.to_string().contains("HOLD: "), "{ring}");
            assert!(company.received("BYE").is_empty(), "the company was not kept");

            self.phone.tell("accept", "");
            self.phone.nth("CALL_ESTABLISHED", calls);
            self.line.hush();
            self.line.play(&sound::tone(PERSON, 10));
            self.phone.hears(PERSON);
            self.line.hears(ROOM);
            let talked = self.phone.heard().len() + 6 * sound::SECOND;
            wait("they talk", SOON, || (self.phone.heard().len() > talked).then_some(()));
            self.phone.tell("hangup", "");
            company.receives("BYE", 1);

            let waiting = line::samples(&line::between(&self.line.packets(), held, rang));
            let leak =
                waiting.chunks(sound::SECOND).map(|part| sound::power_at(part, ROOM)).fold(0.0, f64::max);
            assert!(leak < sound::power(&sound::tone(ROOM, 1)) / 1000.0, "the room was heard: {leak}");
            let greeting = line::samples(&line::between(&self.line.packets(), spoke, rang));
            assert!(sound::power(&greeting) > 1e4, "the box said something to whoever spoke");
            let mut records = self.household.stop();
            assert_eq!(self.phone.events("CALL_INCOMING").len(), 1, "it rang once");
            assert_eq!(records.len(), 1, "{records:#?}");
            let record = records.remove(0);
            assert_eq!(record.outcome, Outcome::Slain, "{record:#?}");
            record
        }
    }

    /// Why the box held a call or placed it.
    fn reason<'a>(record: &'a Record, what: &str) -> &'a str {
        let decision = record.decisions.iter().find(|d| d.what == what);
        &decision.unwrap_or_else(|| panic!("it never decided: {what}: {record:#?}")).reason
    }

    #[test]
    fn hold_now_on_the_page() {
        let scene = Scene::new();
        let company = scene.sipp("company");
        scene.talks();
        let browser = scene.browser();
        let form = browser.form("/", "/hold").expect("a button to hold the call");
        assert_eq!(browser.forge(&form, ""), "403", "another site presses no button");
        browser.submit(&form, "");
        scene.is_let_go();
        scene.ends_slain(&company, SystemTime::now());
    }

    #[test]
    fn a_program_has_the_call_held() {
        let scene = Scene::new();
        let company = scene.sipp("company");
        scene.talks();
        let program = scene.program();
        let id = program.get("/api/v1/status")["calls"][0]["id"].to_string();
        program.post(&format!("/api/v1/calls/{id}/hold"), &json!({}));
        scene.is_let_go();
        scene.ends_slain(&company, SystemTime::now());
    }

    /// As the button on the box, which `make guest-test` presses where there is a kernel that has one.
    #[test]
    fn a_script_on_the_box_has_the_call_held() {
        let scene = Scene::new();
        let company = scene.sipp("company");
        scene.talks();
        let said = scene.household.ctl(&["hold"]);
        assert!(said.contains("the box holds the call"), "{said}");
        scene.is_let_go();
        scene.ends_slain(&company, SystemTime::now());
    }

    #[test]
    fn a_program_places_a_call_to_be_held() {
        let scene = Scene::new();
        let company = scene.sipp("company");
        let held = SystemTime::now();
        let placed = scene.program().post("/api/v1/calls", &json!({"number": NUMBER, "mode": "hold_slayer"}));
        assert_eq!(placed["call"], 1);
        let record = scene.ends_slain(&company, held);
        assert_eq!((record.outgoing, record.number.as_str()), (true, NUMBER));
    }

    #[test]
    fn the_page_places_a_call_to_be_held() {
        let scene = Scene::new();
        let company = scene.sipp("company");
        let held = SystemTime::now();
        scene.browser().submit("/calls", &format!("number={NUMBER}&mode=hold_slayer"));
        let record = scene.ends_slain(&company, held);
        assert_eq!((record.outgoing, record.number.as_str()), (true, NUMBER));
    }

    #[test]
    fn a_speed_dial_behind_the_code() {
        let scene = Scene::new();
        let company = scene.sipp("company");
        let held = SystemTime::now();
        scene.phone.tell("dial", "*591");
        scene.phone.event("CALL_ESTABLISHED");
        until("the owner is told", || sound::power(&scene.phone.heard()) > 1e4);
        company.receives("ACK", 1);
        scene.phone.tell("hangup", "");
        scene.phone.event("CALL_CLOSED");
        let record = scene.ends_slain(&company, held);
        assert_eq!(record.number, NUMBER);
        assert!(reason(&record, "dial").contains("to be held"), "{record:#?}");
    }

    #[test]
    fn a_call_that_was_planned_for_this_minute() {
        let scene = Scene::new();
        let company = scene.sipp("company");
        // The box's clock shows UTC here. The next minute, or the one after it if that is about to begin.
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
        let at = (now + 10) / 60 + 1;
        let at = format!("{:02}:{:02}", at / 60 % 24, at % 60);
        let browser = scene.browser();
        browser.submit("/planned", &format!("number={NUMBER}&at={at}"));
        let planned = browser.admits_a_program().get("/api/v1/planned");
        assert_eq!(planned["planned"][0]["number"], NUMBER, "{planned}");
        assert!(company.received("INVITE").is_empty(), "not yet");
        wait("the planned call", PLANNED, || (!company.received("INVITE").is_empty()).then_some(()));
        let late = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs() % 60;
        assert!(late < 10, "{late} s after the minute");
        let record = scene.ends_slain(&company, UNIX_EPOCH + Duration::from_secs(now));
        assert_eq!(reason(&record, "dial").split(',').next(), Some("it was planned for this time"));
    }

    #[test]
    fn a_telephone_system_sends_a_call_to_be_held() {
        let scene = Scene::new();
        let held = SystemTime::now();
        let company = scene.sipp("caller");
        company.sends("ACK", 1);
        let record = scene.ends_slain(&company, held);
        assert_eq!((record.outgoing, record.number.as_str()), (false, "15551234"));
        assert_eq!(reason(&record, "hold"), "it was sent here to be held");
    }
}
