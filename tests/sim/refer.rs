//! REFER and Replaces as other stacks write them, or should not: requests by hand within the phone's real dialogs.

use super::world::{BOX, COMPANY, House, PHONE, World, ms, s};
use hold_slayer::call::{Outcome, Phase, Request};
use hold_slayer::demo::company::{Desk, Step as Far};
use hold_slayer::demo::phone::Step as Owner;
use hold_slayer::demo::{Fact, Sound, Who};
use hold_slayer::sip::auth;
use hold_slayer::sip::message::Method;
use hold_slayer::sip::{Caller, Cause};
use hold_slayer::units::CallId;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

const FIRST: &str = "18005550123";
const OTHER: &str = "18005550199";
const FIRST_HZ: u16 = 1_200;
const OTHER_HZ: u16 = 1_500;
/// Another phone of the house: the same account, at another address.
const KITCHEN: IpAddr = IpAddr::V4(Ipv4Addr::new(10, 0, 0, 7));

/// One end of a dialog with the box, as its other end writes it.
#[derive(Clone)]
struct Dialog {
    from: SocketAddr,
    call_id: String,
    own: String,
    peer: String,
    seq: u32,
}

fn field<'a>(text: &'a str, name: &str) -> &'a str {
    let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
    line.unwrap_or_else(|| panic!("no {name} in {text}"))
}

fn tag(address: &str) -> &str {
    address.split_once(";tag=").expect("a tag").1
}

impl Dialog {
    /// Of the last message that the box sent there and that fits; `own` is the field that names the other end.
    fn of(world: &World, ip: IpAddr, own: &str, fits: impl Fn(&str) -> bool) -> Self {
        let found = world.said.iter().rev().find(|(to, text)| to.ip() == ip && fits(text));
        let (_, text) = found.unwrap_or_else(|| panic!("no such message\n{}", world.tale()));
        let peer = if own == "From" { "To" } else { "From" };
        let (own, peer) = (field(text, own).to_owned(), field(text, peer).to_owned());
        let from = SocketAddr::new(ip, 5060);
        Self { from, call_id: field(text, "Call-ID").to_owned(), own, peer, seq: 100 }
    }

    /// The phone's `nth` call out that is answered.
    fn of_phone(world: &World) -> Self {
        Self::of(world, PHONE, "From", |t| t.starts_with("SIP/2.0 200 ") && t.contains(" INVITE\r\n"))
    }

    /// Replaces as the other end of this dialog would write it.
    fn replaces(&self) -> String {
        format!("{};to-tag={};from-tag={}", self.call_id, tag(&self.peer), tag(&self.own))
    }

    /// Sends a request, with credentials if they are asked for, and returns what the box said to that.
    fn send(&mut self, world: &mut World, method: &Method, head: &str, body: &str) -> Vec<String> {
        let said = self.send_once(world, method, head, body);
        let Some(asked) = said.first().filter(|text| text.starts_with("SIP/2.0 401 ")) else { return said };
        let challenge = field(asked, "WWW-Authenticate");
        let (user, password) = ("hall", "secret of hall");
        let line = {
            let asked = auth::Asked::bare(method, "sip:box@10.0.0.1");
            auth::answer(&[challenge], user, password, asked, 1, "c")
        };
        let head = format!("Authorization: {}\r\n{head}", line.expect("an answer"));
        self.send_once(world, method, &head, body)
    }

    fn send_once(&mut self, world: &mut World, method: &Method, head: &str, body: &str) -> Vec<String> {
        self.seq += u32::from(*method != Method::Ack);
        let before = world.said.len();
        let text = format!(
            "{method} sip:box@10.0.0.1 SIP/2.0\r\nVia: SIP/2.0/UDP {};branch=z9hG4bK{}{}{method};rport\r\n\
             From: {}\r\nTo: {}\r\nCall-ID: {}\r\nCSeq: {} {method}\r\nContact: <sip:hall@{}>\r\nMax-Forwards: 70\r\n\
             {head}Content-Length: {}\r\n\r\n{body}",
            self.from,
            self.call_id,
            self.seq,
            self.own,
            self.peer,
            self.call_id,
            self.seq,
            self.from,
            body.len()
        );
        world.inject(self.from, 5060, text.as_bytes());
        let said = world.said[before..].iter().filter(|(to, _)| to.ip() == self.from.ip());
        said.map(|(_, text)| text.clone()).collect()
    }

    fn refer(&mut self, world: &mut World, head: &str) -> Vec<String> {
        self.send(world, &Method::Refer, head, "")
    }
}

fn status(said: &[String]) -> &str {
    said.first().and_then(|text| text.split(' ').nth(1)).unwrap_or("none")
}

/// A call that is up, to somebody who plays; whoever else is called does this.
fn talking(other: Vec<Far>, then: Vec<Owner>) -> World {
    let first = vec![Far::Answer, Far::Tone(FIRST_HZ, s(90)), Far::Forever];
    let desks =
        vec![Desk { number: FIRST.into(), script: first }, Desk { number: OTHER.into(), script: other }];
    let dial = vec![Owner::Register, Owner::Dial(FIRST.into()), Owner::AwaitAnswer, Owner::Wait(s(2))];
    let mut world = World::with_desks(&House::default(), desks, [dial, then].concat());
    assert!(world.run_until(s(5), |w| w.phase() == Some(Phase::Talking)), "{}", world.tale());
    world.run(s(1));
    world
}

fn answers() -> Vec<Far> {
    vec![Far::Ring(s(2)), Far::Answer, Far::Tone(OTHER_HZ, s(60)), Far::Forever]
}

fn far_ends_talk(world: &World) -> bool {
    let heard = |hz| world.seen(Who::Company, |f| *f == Fact::HearsTone(hz)).is_some();
    heard(FIRST_HZ) && heard(OTHER_HZ)
}

fn clean(world: &mut World) {
    let up: Vec<CallId> = world.snapshot().calls.iter().map(|call| call.id).collect();
    for id in up {
        let _ = world.ask(Request::HangUp(id));
    }
    world.run(s(240));
    assert!(world.snapshot().calls.is_empty() && world.core.is_idle(), "{}", world.tale());
    assert_eq!(world.company.calls(), 0, "{}", world.tale());
    assert!(world.worst_gap <= ms(40), "{:?}", world.worst_gap);
    assert!(world.records.values().all(|(_, ends)| *ends == 1), "{}", world.tale());
}

#[test]
fn a_refer_that_says_nothing_sensible_harms_no_call() {
    let mut world = talking(answers(), vec![Owner::Wait(s(600))]);
    let mut phone = Dialog::of_phone(&world);
    let cases = [
        ("", "400"),
        ("Refer-To:\r\n", "400"),
        ("Refer-To: nobody\r\n", "400"),
        ("Refer-To: <sip:1@box\r\n", "400"),
        ("Refer-To: sip:1@box?Replaces=a\r\n", "400"),
        ("Refer-To: <sip:1@box>\r\nRefer-To: <sip:2@box>\r\n", "400"),
        ("Refer-To: <sip:1@box?Replaces=c>\r\n", "400"),
        ("Refer-To: <sip:1@box?Replaces=c%3Bto-tag%3Da>\r\n", "400"),
        ("Refer-To: <sip:1@box?Replaces=c%3Bto-tag%3Da%0d%0aX:y%3Bfrom-tag%3Db>\r\n", "400"),
        ("Refer-To: <sip:1@box>\r\nReferred-By: nobody\r\n", "400"),
        ("Refer-To: <sip:1@box>\r\nReferred-By: <sip:a@b>\r\nReferred-By: <sip:a@b>\r\n", "400"),
        ("Refer-To: <sip:1@box;method=BYE>\r\n", "603"),
        ("Refer-To: <http://box/1>\r\n", "603"),
        ("Refer-To: <sip:19005550123@box>\r\n", "603"),
        ("Refer-To: <sip:1@box>\r\nRequire: magic\r\n", "420"),
        // Nothing to dial is told by NOTIFY: as a response 404 would end the call, RFC 5057 §5.1.
        ("Refer-To: <sip:box>\r\n", "202"),
    ];
    for (head, wanted) in cases {
        assert_eq!(status(&phone.refer(&mut world, head)), wanted, "{head}");
    }
    world.run(s(5));
    assert_eq!(world.phase(), Some(Phase::Talking), "{}", world.tale());
    assert_eq!(world.count(Who::Company, |f| matches!(f, Fact::Called { .. })), 1, "{}", world.tale());
    clean(&mut world);
}

#[test]
fn a_refer_without_the_password_is_none() {
    let mut world = talking(answers(), vec![Owner::Wait(s(600))]);
    let mut phone = Dialog::of_phone(&world);
    let head = format!("Refer-To: <sip:{OTHER}@10.0.0.1>\r\n");
    assert_eq!(status(&phone.send_once(&mut world, &Method::Refer, &head, "")), "401");
    world.run(s(5));
    assert_eq!(world.count(Who::Company, |f| matches!(f, Fact::Called { .. })), 1, "{}", world.tale());
    clean(&mut world);
}

#[test]
fn a_phone_that_wants_to_hear_nothing_hears_nothing() {
    // RFC 4488 §4.
    let mut world = talking(answers(), vec![Owner::Wait(s(600))]);
    let head = format!(
        "Refer-To: \"The other\" <sip:{OTHER}@10.0.0.1;user=phone>\r\nReferred-By: <sip:hall@10.0.0.1>\r\n\
         Refer-Sub: false\r\nRequire: norefersub\r\n"
    );
    let said = Dialog::of_phone(&world).refer(&mut world, &head);
    assert_eq!((status(&said), field(&said[0], "Refer-Sub")), ("202", "false"));
    world.run(s(15));
    assert!(far_ends_talk(&world), "{}", world.tale());
    assert!(!world.said.iter().any(|(_, text)| text.starts_with("NOTIFY ")), "it was told");
    clean(&mut world);
}

#[test]
fn keys_of_the_far_ends_are_their_own_once_the_phone_has_gone() {
    let mut world = talking(answers(), vec![Owner::Wait(s(600))]);
    let head = format!("Refer-To: <sip:{OTHER}@10.0.0.1>\r\n");
    Dialog::of_phone(&world).refer(&mut world, &head);
    world.run(s(10));
    assert!(far_ends_talk(&world), "{}", world.tale());
    // The other presses what would hold the call if it came from a phone of the house.
    let mut other = Dialog::of(&world, COMPANY, "To", |text| {
        text.starts_with("ACK ") && text.contains("To: <sip:18005550199@")
    });
    for _ in 0..2 {
        let head = "Content-Type: application/dtmf-relay\r\n";
        assert_eq!(
            status(&other.send(&mut world, &Method::Info, head, "Signal=*\r\nDuration=100\r\n")),
            "200"
        );
        world.run(ms(500));
    }
    let stars = world.count(Who::Company, |f| matches!(f, Fact::HearsKey(key) if key.as_char() == '*'));
    assert_eq!((stars, world.phase()), (2, Some(Phase::Talking)), "{}", world.tale());
    clean(&mut world);
}

#[test]
fn how_it_goes_is_told_until_it_is_known() {
    let mut world = talking(answers(), vec![Owner::Wait(s(600))]);
    let mut phone = Dialog::of_phone(&world);
    let said = phone.refer(&mut world, &format!("Refer-To: <tel:{OTHER}>\r\n"));
    assert_eq!(status(&said), "202");
    let notify = &said[1];
    assert!(notify.starts_with("NOTIFY "), "{notify}");
    assert_eq!(field(notify, "Event"), format!("refer;id={}", phone.seq));
    assert_eq!(field(notify, "Subscription-State"), "active;expires=180");
    assert_eq!(field(notify, "Content-Type"), "message/sipfrag;version=2.0");
    assert!(notify.ends_with("\r\n\r\nSIP/2.0 100 Trying\r\n"), "{notify}");
    // One at a time.
    assert_eq!(status(&phone.refer(&mut world, &format!("Refer-To: <sip:{OTHER}@box>\r\n"))), "491");
    clean(&mut world);
}

#[test]
fn a_transfer_to_a_call_that_nobody_has_fails_and_the_call_stays() {
    let mut world = talking(answers(), vec![Owner::Wait(s(600))]);
    let mut phone = Dialog::of_phone(&world);
    let strange = "c%40d%3Bto-tag%3Da%3Bfrom-tag%3Db";
    let said = phone.refer(&mut world, &format!("Refer-To: <sip:{OTHER}@box?Replaces={strange}>\r\n"));
    assert_eq!(status(&said), "202");
    let last = said.last().expect("a NOTIFY");
    assert!(last.ends_with("\r\n\r\nSIP/2.0 481 Call Failed\r\n"), "{last}");
    assert_eq!(field(last, "Subscription-State"), "terminated;reason=noresource");
    // Nor to itself.
    let own = phone.replaces().replace(';', "%3B").replace('=', "%3D");
    assert_eq!(status(&phone.refer(&mut world, &format!("Refer-To: <sip:1@box?Replaces={own}>\r\n"))), "603");
    world.run(s(3));
    assert_eq!(world.phase(), Some(Phase::Talking), "{}", world.tale());
    clean(&mut world);
}

#[test]
fn a_call_is_put_through_to_one_that_still_rings() {
    // The phone puts the handset down on the ringing of its second call.
    let mut world = talking(answers(), vec![Owner::Dial(OTHER.into()), Owner::Wait(s(600))]);
    world.run(s(2));
    let second = Dialog::of(&world, PHONE, "From", |text| text.starts_with("SIP/2.0 180 "));
    let named = second.replaces().replace(';', "%3B").replace('=', "%3D");
    let mut phone = Dialog::of_phone(&world);
    let said = phone.refer(&mut world, &format!("Refer-To: <sip:{OTHER}@box?Replaces={named}>\r\n"));
    assert_eq!(status(&said), "202", "{}", world.tale());
    world.run(s(15));
    assert!(far_ends_talk(&world), "{}", world.tale());
    assert!(world.seen(Who::Phone, |f| *f == Fact::Ended(Cause::Cancelled)).is_some(), "{}", world.tale());
    clean(&mut world);
}

#[test]
fn the_far_side_may_not_telephone_at_the_households_expense() {
    let mut world = talking(answers(), vec![Owner::Wait(s(600))]);
    let mut company = Dialog::of(&world, COMPANY, "To", |text| text.starts_with("ACK "));
    for head in
        [format!("Refer-To: <sip:{OTHER}@10.0.0.1>\r\n"), "Refer-To: <sip:19005550123@box>\r\n".into()]
    {
        assert_eq!(status(&company.refer(&mut world, &head)), "603");
    }
    let why = &world.record(1).decisions.last().expect("a decision").reason;
    assert_eq!(why, "only a phone of the house may put a call through");
    assert_eq!(world.count(Who::Company, |f| matches!(f, Fact::Called { .. })), 1, "{}", world.tale());
    // Nor may it take a call of the house over.
    let named = Dialog::of_phone(&world).replaces();
    (company.peer, company.call_id) = ("<sip:house@10.0.0.1>".into(), "x".into());
    assert_eq!(
        status(&company.send(&mut world, &Method::Invite, &format!("Replaces: {named}\r\n"), "")),
        "603"
    );
    clean(&mut world);
}

const SDP: &str = "v=0\r\no=- 1 1 IN IP4 10.0.0.7\r\ns=-\r\nc=IN IP4 10.0.0.7\r\nt=0 0\r\n\
                   m=audio 4000 RTP/AVP 0 101\r\na=rtpmap:101 telephone-event/8000\r\n";

/// The kitchen's INVITE in the place of another call; the ACK follows if it is taken.
fn take_over(world: &mut World, replaces: &str) -> (Dialog, Vec<String>) {
    let mut kitchen = Dialog {
        from: SocketAddr::new(KITCHEN, 5060),
        call_id: format!("k{}", world.said.len()),
        own: "<sip:hall@10.0.0.1>;tag=k".into(),
        peer: "<sip:hall@10.0.0.1>".into(),
        seq: 0,
    };
    let head = format!("Replaces: {replaces}\r\nRequire: replaces\r\nContent-Type: application/sdp\r\n");
    let said = kitchen.send(world, &Method::Invite, &head, SDP);
    if let Some(ok) = said.iter().find(|text| text.starts_with("SIP/2.0 200 ")) {
        kitchen.peer = field(ok, "To").to_owned();
        kitchen.send_once(world, &Method::Ack, "", "");
    }
    (kitchen, said)
}

#[test]
fn another_phone_takes_a_call_over() {
    let mut world = talking(answers(), vec![Owner::AwaitEnd]);
    let named = Dialog::of_phone(&world).replaces();
    for (replaces, wanted) in [
        ("c;to-tag=a;from-tag=b".to_owned(), "481"),
        ("c;to-tag=a".to_owned(), "400"),
        (format!("{named};early-only"), "486"),
    ] {
        assert_eq!(status(&take_over(&mut world, &replaces).1), wanted, "{replaces}");
    }
    let (mut kitchen, said) = take_over(&mut world, &named);
    assert!(said.iter().any(|text| text.starts_with("SIP/2.0 200 ")), "{said:?}");
    world.run(s(3));
    assert!(world.seen(Who::Phone, |f| *f == Fact::Ended(Cause::Normal)).is_some(), "{}", world.tale());
    assert_eq!((world.phase(), world.company.calls()), (Some(Phase::Talking), 1), "{}", world.tale());
    assert_eq!(status(&take_over(&mut world, &named).1), "481", "that call is nobody's any more");
    assert_eq!(status(&kitchen.send(&mut world, &Method::Bye, "", "")), "200");
    world.run(s(1));
    assert_eq!(world.company.calls(), 0, "{}", world.tale());
    clean(&mut world);
}

#[test]
fn another_phone_takes_a_ringing_call() {
    // The same seed tells the same story: the tag of the ringing phone is read where it has answered.
    let ring = |owner: Vec<Owner>| {
        let mut world =
            World::new(&House::default(), vec![], [vec![Owner::Register, Owner::AwaitRing], owner].concat());
        world.run(s(2));
        world.company.call(world.now, "1555", Caller::default(), vec![Far::Forever]);
        world.run(s(2));
        world
    };
    let answered = ring(vec![Owner::PickUp, Owner::Wait(s(60))]);
    let named = Dialog::of(&answered, PHONE, "To", |text| text.starts_with("ACK ")).replaces();
    let mut world = ring(vec![Owner::AwaitRingEnd]);
    assert_eq!(world.phase(), Some(Phase::Incoming), "{}", world.tale());
    let (mut kitchen, said) = take_over(&mut world, &format!("{named};early-only"));
    assert!(said.iter().any(|text| text.starts_with("SIP/2.0 200 ")), "{said:?}");
    world.run(s(2));
    assert!(world.seen(Who::Phone, |f| *f == Fact::StopsRinging).is_some(), "{}", world.tale());
    assert_eq!(world.phase(), Some(Phase::Talking), "{}", world.tale());
    assert_eq!(status(&kitchen.send(&mut world, &Method::Bye, "", "")), "200");
    clean(&mut world);
}

#[test]
fn another_phone_takes_the_held_call_that_comes_back() {
    let agent =
        vec![Far::Answer, Far::Loop(Sound::Music, s(15)), Far::Agent { patience: s(60) }, Far::Forever];
    let held = |then: Vec<Owner>| {
        let hold = vec![
            Owner::Register,
            Owner::Dial(FIRST.into()),
            Owner::AwaitAnswer,
            Owner::Wait(s(3)),
            Owner::Press("**".into()),
            Owner::Listen(s(8)),
            Owner::HangUp,
            Owner::AwaitRing,
        ];
        let mut world = World::new(&House::default(), agent.clone(), [hold, then].concat());
        assert!(world.run_until(s(90), |w| w.phase() == Some(Phase::Ringing)), "{}", world.tale());
        world.run(ms(500));
        world
    };
    let answered = held(vec![Owner::PickUp, Owner::Wait(s(60))]);
    let ours = |text: &str| text.starts_with("ACK ") && text.contains("\r\nFrom: \"HOLD: ");
    let named = Dialog::of(&answered, PHONE, "To", ours).replaces();
    let mut world = held(vec![Owner::AwaitRingEnd]);
    let (mut kitchen, said) = take_over(&mut world, &named);
    assert!(said.iter().any(|text| text.starts_with("SIP/2.0 200 ")), "{said:?}");
    world.run(s(6));
    assert_eq!(world.phase(), Some(Phase::Talking), "{}", world.tale());
    assert_eq!(status(&kitchen.send(&mut world, &Method::Bye, "", "")), "200");
    assert_eq!(world.outcome(1), Some(Outcome::Slain), "{}", world.tale());
    clean(&mut world);
}

#[test]
fn a_refer_outside_of_any_call_is_declined() {
    let mut world = talking(answers(), vec![Owner::Wait(s(600))]);
    let mut phone = Dialog::of_phone(&world);
    (phone.peer, phone.call_id) = (format!("<sip:hall@{BOX}>"), "outside".into());
    assert_eq!(status(&phone.refer(&mut world, &format!("Refer-To: <sip:{OTHER}@box>\r\n"))), "603");
    clean(&mut world);
}
