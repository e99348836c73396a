//! What a trunk prescribes of sound, keys and time, as it is seen on the wire.

use super::world::{COMPANY, House, World, s};
use core::time::Duration;
use hold_slayer::demo::company::Step as Far;
use hold_slayer::demo::phone::Step as Owner;
use hold_slayer::demo::{Fact, Who};
use hold_slayer::sip::Identity;
use hold_slayer::trunk::{Keys, Rules};
use hold_slayer::units::Codec;

fn called(house: &House) -> World {
    let owner = vec![
        Owner::Register,
        Owner::Wait(s(1)),
        Owner::Dial("18005550123".into()),
        Owner::AwaitAnswer,
        Owner::Wait(s(1)),
        Owner::Press("1#".into()),
        Owner::Wait(s(3)),
    ];
    let mut world = World::new(house, vec![Far::Answer, Far::Forever], owner);
    world.run(s(12));
    world
}

/// What the box sent to the company that begins so.
fn sent<'w>(world: &'w World, begins: &str) -> Vec<&'w str> {
    let all = world.said.iter().filter(|(to, text)| to.ip() == COMPANY && text.starts_with(begins));
    all.map(|(_, text)| text.as_str()).collect()
}

fn keys_heard(world: &World) -> usize {
    world.count(Who::Company, |f| matches!(f, Fact::HearsKey(_)))
}

#[test]
fn codecs_are_offered_as_the_trunk_wants_them_whatever_the_phone_speaks() {
    for (codecs, offered) in [
        (vec![], "RTP/AVP 0 8 101"),
        (vec![Codec::Pcma, Codec::Pcmu], "RTP/AVP 8 0 101"),
        (vec![Codec::Pcma], "RTP/AVP 8 101"),
    ] {
        let trunk_codec = codecs.first().copied().unwrap_or(Codec::Pcmu);
        let rules = Rules { codecs, ..Rules::default() };
        let world = called(&House { rules, trunk_codec, ..House::default() });
        let invite = sent(&world, "INVITE ")[0];
        assert!(invite.contains(&format!("{offered}\r\n")), "{offered}: {invite}");
        assert_eq!(keys_heard(&world), 2, "the call is up\n{}", world.tale());
    }
}

#[test]
fn keys_go_as_the_trunk_wants_them() {
    for (keys, infos, heard) in [(Keys::Events, 0, 2), (Keys::Info, 2, 2), (Keys::InBand, 0, 0)] {
        let rules = Rules { keys, ..Rules::default() };
        let world = called(&House { rules, ..House::default() });
        assert_eq!(sent(&world, "INFO ").len(), infos, "{keys:?}");
        let events = keys_heard(&world);
        if keys != Keys::Info {
            assert_eq!(events, heard, "{keys:?}: in the sound they are no events\n{}", world.tale());
        }
    }
}

#[test]
fn the_session_timer_is_asked_for_as_the_trunk_wants_it() {
    for (session_timer, asked) in
        [(None, Some("1800")), (Some(s(600)), Some("600")), (Some(Duration::ZERO), None)]
    {
        let identity = Identity { session_timer, ..Identity::default() };
        let world = called(&House { identity, ..House::default() });
        let invite = sent(&world, "INVITE ")[0];
        match asked {
            Some(time) => assert!(invite.contains(&format!("Session-Expires: {time}")), "{invite}"),
            None => assert!(!invite.contains("Session-Expires"), "{invite}"),
        }
    }
}

#[test]
fn the_way_is_kept_open_as_often_as_the_trunk_wants_it() {
    for (keep_alive, times) in [(None, 4), (Some(s(10)), 11), (Some(s(50)), 2)] {
        let identity = Identity { keep_alive, ..Identity::default() };
        let mut world = World::new(&House { identity, ..House::default() }, vec![], vec![]);
        world.run(s(118));
        assert_eq!(sent(&world, "\r\n\r\n").len(), times, "{keep_alive:?}");
    }
}

#[test]
fn a_challenge_of_another_realm_is_not_answered() {
    for (realm, up) in [(None, true), (Some("example"), true), (Some("Example.org"), false)] {
        let mut world =
            World::new(&House { realm: realm.map(str::to_owned), ..House::default() }, vec![], vec![]);
        world.run(s(30));
        let (trunk, registers) = (&world.snapshot().trunks[0], sent(&world, "REGISTER "));
        assert_eq!(trunk.up, up, "{realm:?}: {trunk:?}");
        assert!(registers[0].starts_with("REGISTER sip:company SIP/2.0"), "to the domain, at any address");
        assert_eq!(registers.iter().any(|text| text.contains("response=")), up, "{realm:?}");
        let why = trunk.registration.last_error.clone().unwrap_or_default();
        assert_eq!(why.contains("realm"), !up, "{why}");
    }
}
