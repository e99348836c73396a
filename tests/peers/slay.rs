//! Whole holds, from the owner's call to his talk with the person who came.

mod real_time {
    use crate::baresip::Baresip;
    use crate::household::{self, Household};
    use crate::line::{self, Line};
    use crate::phone::{Account, Softphone};
    use crate::place::Place;
    use crate::process::{SOON, until, wait};
    use crate::sipp::Sipp;
    use crate::sound;
    use hold_slayer::call::Outcome;
    use std::time::{Duration, SystemTime};

    const NUMBER: &str = "18005550123";
    /// The sound of the phone's room.
    const ROOM: f64 = 800.0;
    /// What the person who came sends once the owner is there.
    const PERSON: f64 = 1200.0;
    /// A gap that a telephone conversation does not show; the box's own bound is proven in virtual time.
    const GAP: Duration = Duration::from_millis(60);

    /// The provider is SIPp, with registration and passwords; the phone is baresip.
    #[test]
    fn a_registered_line_is_held_and_handed_back() {
        let place = Place::new();
        let company = Line::open(place.ports(1));
        let port = company.address.port().to_string();
        let provider =
            Sipp::start(&place, "provider", place.ports(1), None, &[("sound", &port), ("expires", "60")]);
        let trunk = household::registered(provider.sip, "100000_box", "of the box");
        let mut household = Household::start(&place, &trunk);
        provider.sends("SIP/2.0 200", 1);

        let room = place.path("room.wav");
        sound::write(&room, &sound::tone(ROOM, 150));
        let account = Account::hall(household.sip);
        let phone = Baresip::start(&place, "phone", &account, &room);
        phone.registers();

        phone.tell("dial", NUMBER);
        phone.event("CALL_ESTABLISHED");
        company.hears(ROOM);
        company.play(&sound::tone(PERSON, 2));
        phone.hears(PERSON);
        until("the company has played", || company.is_played());

        // The company is silent: what the owner hears next is the box's confirmation.
        let before = phone.heard().len();
        phone.tell("sndcode", "*");
        phone.tell("sndcode", "*");
        company.hears_silence();
        let held = SystemTime::now();
        wait("the confirmation", SOON, || {
            let heard = phone.heard();
            (heard.len() > before + 3 * sound::SECOND && sound::power(&heard[before..]) > 1e4).then_some(())
        });
        phone.tell("hangup", "");
        phone.event("CALL_CLOSED");

        company.play(&sound::music("macroform-cold_day", 8));
        until("the music is over", || company.is_played());
        let announced = SystemTime::now();
        company.play(&sound::announcement("queue-thankyou"));
        company.play(&sound::music("manolo_camp-morning_coffee", 8));
        until("the announcement and more music are over", || company.is_played());
        assert!(phone.events("CALL_INCOMING").is_empty(), "it rang although nobody was there");
        let spoke = SystemTime::now();
        company.play(&sound::voice("chapter-one"));

        let (_, ring) = phone.nth("CALL_INCOMING", 0);
        let rang = SystemTime::now();
        println!("the phone rang {:?} after the voice began", rang.duration_since(spoke).unwrap());
        phone.tell("accept", "");
        phone.nth("CALL_ESTABLISHED", 1);
        company.hush();
        company.play(&sound::tone(PERSON, 10));
        phone.hears(PERSON);
        company.hears(ROOM);
        let joined = SystemTime::now();
        // Who hangs up sooner was rung for nobody, and the box waits on.
        let talked = phone.heard().len() + 6 * sound::SECOND;
        wait("they talk", SOON, || (phone.heard().len() > talked).then_some(()));
        phone.tell("hangup", "");
        provider.receives("BYE", 1);
        let packets = company.packets();
        let records = household.stop();

        assert_eq!(phone.events("CALL_INCOMING").len(), 1, "it rang once");
        assert!(ring.to_string().contains(&format!("HOLD: {NUMBER}")), "{ring}");
        assert_eq!(records.len(), 1);
        assert_eq!(records[0].outcome, Outcome::Slain);

        // Nothing but digital silence until somebody spoke, be it a machine; then perhaps the box, but never the room.
        let waiting = line::samples(&line::between(&packets, held, announced));
        assert!(waiting.len() > 8 * sound::SECOND, "{} samples", waiting.len());
        assert!(waiting.iter().all(|s| s.unsigned_abs() <= 8), "something was sent while nobody was there");
        let spoken = line::samples(&line::between(&packets, announced, rang));
        let leak = spoken.chunks(sound::SECOND).map(|part| sound::power_at(part, ROOM)).fold(0.0, f64::max);
        let room = sound::power(&sound::tone(ROOM, 1));
        println!("the room: at most {leak:.0} of {room:.0}");
        assert!(leak < room / 1000.0, "the room was heard before the owner answered: {leak} of {room}");
        let greeting = line::samples(&line::between(&packets, spoke, rang));
        assert!(sound::power(&greeting) > 1e4, "the box said something to whoever spoke");

        let (gap, at) = line::longest_gap(&line::between(&packets, SystemTime::UNIX_EPOCH, joined));
        let since = at.duration_since(held).map_or_else(|e| -e.duration().as_secs_f64(), |d| d.as_secs_f64());
        println!("the longest gap was {gap:?}, {since} s after the hold began");
        assert!(gap <= GAP, "a gap of {gap:?}, {since} s after the hold began");
    }

    /// The company is a baresip known by its address, the phone another with A-law: every packet is
    /// somebody else's.
    #[test]
    fn a_line_between_two_baresips_is_held_and_handed_back() {
        let place = Place::new();
        let queue = place.path("queue.wav");
        let mut waiting = sound::music("reno_project-system", 6);
        waiting.extend(sound::announcement("queue-periodic-announce"));
        waiting.extend(sound::music("reno_project-system", 300));
        sound::write(&queue, &waiting);
        let file = |name: &str, samples: &[i16]| {
            let path = place.path(name);
            sound::write(&path, samples);
            format!("aufile,{}", path.display())
        };
        let mut speaks = sound::voice("chapter-one");
        speaks.resize(60 * sound::SECOND, 0);
        let (speaks, person) = (file("person.wav", &speaks), file("tone.wav", &sound::tone(PERSON, 60)));
        let account = Account::of(NUMBER, "none");
        let company = Baresip::start(&place, "company", &account, &queue);

        let mut household = Household::start(&place, &household::fixed(company.sip));
        let room = place.path("room.wav");
        sound::write(&room, &sound::tone(ROOM, 150));
        let account = Account { codec: "pcma", ..Account::hall(household.sip) };
        let phone = Baresip::start(&place, "phone", &account, &room);
        phone.registers();

        phone.tell("dial", NUMBER);
        company.event("CALL_INCOMING");
        company.tell("accept", "");
        company.hears(ROOM);
        // A flash and a second call, as from a telephone on an adapter.
        phone.tell("hold", "");
        company.hears_silence();
        let held = company.heard().len();
        phone.tell("dial", "*58");
        phone.nth("CALL_ESTABLISHED", 1);
        until("the confirmation", || sound::power(&phone.heard()) > 1e4);
        phone.tell("hangup", "");
        phone.nth("CALL_CLOSED", 1);

        // Music, an announcement of 8 s and more music.
        wait("the queue", 2 * SOON, || (company.heard().len() > held + 22 * sound::SECOND).then_some(()));
        assert!(phone.events("CALL_INCOMING").is_empty(), "it rang although nobody was there");
        company.tell("ausrc", &speaks);
        let spoke = company.heard().len();
        let (_, ring) = phone.event("CALL_INCOMING");
        let rang = company.heard().len();
        phone.tell("accept", "");
        phone.nth("CALL_ESTABLISHED", 2);
        company.tell("ausrc", &person);
        phone.hears(PERSON);
        company.hears(ROOM);
        company.tell("hangup", "");
        phone.nth("CALL_CLOSED", 2);
        let records = household.stop();

        assert_eq!(phone.events("CALL_INCOMING").len(), 1, "it rang once");
        assert_eq!(company.events("CALL_INCOMING").len(), 1, "it was called once");
        assert!(ring.to_string().contains(&format!("HOLD: {NUMBER}")), "{ring}");
        assert_eq!(records[0].outcome, Outcome::Slain);
        let leak = company.heard()[held..rang]
            .chunks(sound::SECOND)
            .map(|part| sound::power_at(part, ROOM))
            .fold(0.0, f64::max);
        assert!(leak < sound::power(&sound::tone(ROOM, 1)) / 1000.0, "the room was heard: {leak}");
        assert!(sound::power(&company.heard()[spoke..rang]) > 1e4, "the box said something to whoever spoke");
    }
}
