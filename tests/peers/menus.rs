//! A menu gone through by hand once, and by the box in the next call.

mod real_time {
    use crate::baresip::Baresip;
    use crate::household::{self, Household};
    use crate::line::Line;
    use crate::phone::{Account, Softphone};
    use crate::place::Place;
    use crate::process::until;
    use crate::sipp::Sipp;
    use crate::sound;
    use hold_slayer::call::Outcome;

    const NUMBER: &str = "18005550123";
    const ROOM: f64 = 800.0;
    const PERSON: f64 = 1200.0;
    /// 50 packets a second.
    const THREE_SECONDS: usize = 150;

    /// The provider is SIPp, the phone is baresip, the menu a real recording of 8 s.
    #[test]
    fn a_menu_is_learnt_from_one_call_and_gone_through_in_the_next() {
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
        let phone = Baresip::start(&place, "phone", &Account::hall(household.sip), &room);
        phone.registers();
        let menu = sound::announcement("queue-periodic-announce");

        phone.tell("dial", NUMBER);
        phone.event("CALL_ESTABLISHED");
        company.hears(ROOM);
        company.play(&menu);
        until("the menu has been said", || company.is_played());
        phone.tell("sndcode", "2");
        until("the owner's key reaches the company", || company.keys().contains(&2));
        company.play(&sound::music("macroform-cold_day", 3));
        until("music is over", || company.is_played());
        phone.tell("hangup", "");
        provider.receives("BYE", 1);

        let (keys, packets) = (company.keys().len(), company.packets().len());
        phone.tell("dial", &format!("*59{NUMBER}"));
        phone.nth("CALL_ESTABLISHED", 1);
        phone.tell("hangup", "");
        phone.nth("CALL_CLOSED", 1);
        until("the box is in the call", || company.packets().len() > packets + 20);
        let began = company.packets().len();
        company.play(&menu);
        until("half of the menu", || company.packets().len() > began + THREE_SECONDS);
        assert_eq!(company.keys().len(), keys, "a key before its prompt");
        until("the box presses the key", || company.keys().len() > keys);
        assert!(company.keys()[keys..].iter().all(|key| *key == 2), "{:?}", company.keys());

        company.play(&sound::music("manolo_camp-morning_coffee", 8));
        until("the music is over", || company.is_played());
        assert!(phone.events("CALL_INCOMING").is_empty(), "it rang although nobody was there");
        company.play(&sound::voice("chapter-one"));
        let (_, ring) = phone.event("CALL_INCOMING");
        assert!(ring.to_string().contains(&format!("HOLD: {NUMBER}")), "{ring}");
        phone.tell("accept", "");
        phone.nth("CALL_ESTABLISHED", 2);
        company.hush();
        company.play(&sound::tone(PERSON, 10));
        phone.hears(PERSON);
        company.hears(ROOM);
        let joined = company.packets().len();
        until("they have talked for longer than a false alarm", || {
            company.packets().len() > joined + 2 * THREE_SECONDS
        });
        phone.tell("hangup", "");
        provider.receives("BYE", 2);
        let records = household.stop();
        assert_eq!(records.iter().map(|r| r.outcome).collect::<Vec<_>>(), [Outcome::Slain, Outcome::Talked]);
    }
}
