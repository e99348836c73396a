//! Who is shown to whom, and where a provider wants it; who is not listened to.

use super::wire::{SDP, Wire};
use super::*;
use crate::sip::message::Request;
use crate::sip::{CalledIn, Discard, Identity, ShownIn};

fn caller_of(wire: &mut Wire, identity: Identity, caller: Caller) -> Request {
    wire.ua = agent(2, 5, vec![(TRUNK, Side::Trunk, upstream(1, "house", "trunk pass"))]).1;
    wire.ua.config.accounts[0].identity = identity;
    wire.call(caller).1
}

#[test]
fn the_callers_number_stands_where_the_provider_reads_it() {
    let fields = ["P-Asserted-Identity", "P-Preferred-Identity", "Remote-Party-ID", "Privacy"];
    let own = "<sip:15550001@sip.example>";
    let rpid = format!("{own};party=calling;screen=no;privacy=off");
    for (shown_in, from, expected) in [
        (ShownIn::From, "15550001", [None, None, None, None]),
        (ShownIn::Asserted, "house", [Some(own), None, None, None]),
        (ShownIn::Preferred, "house", [None, Some(own), None, None]),
        (ShownIn::RemoteParty, "house", [None, None, Some(rpid.as_str()), None]),
    ] {
        let identity = Identity { shown_in, ..Identity::default() };
        let invite = caller_of(&mut Wire::new(), identity, caller("", "15550001"));
        assert_eq!(invite.from().uri.user_decoded(), from, "{shown_in:?}");
        assert_eq!(fields.map(|name| invite.headers.first(name)), expected, "{shown_in:?}");
    }
}

#[test]
fn a_caller_who_hides_is_told_to_the_provider_alone() {
    let mut hidden = caller("", "15550001");
    hidden.private = true;
    for (_, shown_in) in ShownIn::NAMES {
        let identity = Identity { shown_in, ..Identity::default() };
        let invite = caller_of(&mut Wire::new(), identity, hidden.clone());
        let from = invite.from();
        assert_eq!(
            (from.uri.user_decoded().as_str(), from.uri.host.as_str()),
            ("anonymous", "anonymous.invalid")
        );
        assert_eq!(invite.headers.first("Privacy"), Some("id"));
        let told = ["P-Asserted-Identity", "P-Preferred-Identity", "Remote-Party-ID"];
        let told: Vec<&str> = told.iter().filter_map(|name| invite.headers.first(name)).collect();
        assert!(told.len() == 1 && told[0].contains("15550001"), "{shown_in:?} {told:?}");
        assert_eq!(told[0].contains("privacy=full"), shown_in == ShownIn::RemoteParty);
    }
}

#[test]
fn from_contact_and_digest_users_may_all_be_prescribed() {
    let identity =
        Identity { from_user: "493012345".into(), contact_user: "line7".into(), ..Identity::default() };
    let mut wire = Wire::new();
    let invite = caller_of(&mut wire, identity, Caller::default());
    assert_eq!(invite.from().uri.user_decoded(), "493012345");
    assert!(invite.headers.first("Contact").is_some_and(|contact| contact.contains("sip:line7@")));
    let challenge = "Digest realm=\"r\", nonce=\"n\"";
    wire.reply(&invite, 401, "a", &[("WWW-Authenticate", challenge)], "");
    let (_, again) = wire.requests().pop().expect("an answer");
    assert!(again.headers.first("Authorization").is_some_and(|value| value.contains("username=\"house\"")));
    wire.command(Command::Register(TRUNK));
    let register = wire.one();
    assert!(register.headers.first("Contact").is_some_and(|contact| contact.contains("sip:line7@")));
    assert_eq!(register.to().uri.user_decoded(), "house");
}

/// An INVITE from the provider with these header fields, as it is told to the switchboard.
fn told(identity: Identity, head: &str) -> (String, Caller) {
    let mut wire = Wire::new();
    wire.ua.config.accounts[0].identity = identity;
    wire.request("INVITE", 1, &format!("Content-Type: application/sdp\r\n{head}"), SDP);
    let found = wire.told.iter().find_map(|event| match event {
        Event::Incoming { called, caller, .. } => Some((called.clone(), caller.clone())),
        _ => None,
    });
    found.expect("an incoming call")
}

#[test]
fn the_dialled_number_is_read_where_the_provider_puts_it() {
    let head = "P-Called-Party-ID: <sip:111@x>\r\nDiversion: <tel:222>;reason=unconditional\r\n";
    let uri = told(Identity::default(), head).0;
    for (called_in, want) in [(CalledIn::CalledParty, "111"), (CalledIn::Diversion, "222")] {
        let identity = Identity { called_in, ..Identity::default() };
        assert_eq!(told(identity.clone(), head).0, want, "{called_in:?}");
        assert_eq!(told(identity, "").0, uri, "where it is not there the Request-URI counts");
    }
}

#[test]
fn an_identity_under_privacy_is_not_shown() {
    let asserted = "P-Asserted-Identity: \"Aunt\" <sip:15550001@x>\r\n";
    assert_eq!(told(Identity::default(), asserted).1, caller("Aunt", "15550001"));
    let remote = "Remote-Party-ID: <sip:15550002@x>;party=calling\r\n";
    assert_eq!(told(Identity::default(), remote).1.number, "15550002");
    for hidden in [
        format!("{asserted}Privacy: id\r\n"),
        format!("{asserted}Privacy: header;id\r\n"),
        remote.replace("calling", "calling;privacy=full"),
    ] {
        let shown = told(Identity::default(), &hidden).1;
        assert_eq!(shown, Caller { private: true, ..Caller::default() }, "{hidden}");
    }
}

#[test]
fn accounts_at_one_provider_are_told_apart_by_the_registered_contact() {
    let second = AccountId(7);
    let mut wire = Wire::new();
    let accounts =
        vec![(TRUNK, Side::Trunk, upstream(1, "one", "p")), (second, Side::Trunk, upstream(1, "two", "p"))];
    wire.ua = agent(2, 5, accounts).1;
    for (user, account) in [("one", TRUNK), ("two", second)] {
        let invite = format!(
            "INVITE sip:{user}@10.0.0.2 SIP/2.0\r\nVia: SIP/2.0/UDP 10.0.0.1:5060;branch=z9hG4bK{user};rport\r\n\
             From: <sip:1@x>;tag=a\r\nTo: <sip:2@x>\r\nCall-ID: {user}\r\nCSeq: 1 INVITE\r\n\
             Contact: <sip:p@10.0.0.1>\r\nMax-Forwards: 70\r\nContent-Type: application/sdp\r\n\
             Content-Length: {}\r\n\r\n{SDP}",
            SDP.len()
        );
        wire.bytes(invite.as_bytes());
        let told = wire.told.iter().any(|e| matches!(e, Event::Incoming { account: a, .. } if *a == account));
        assert!(told, "{user}: {:?}", wire.told);
    }
}

#[test]
fn who_guesses_users_is_soon_not_answered_at_all() {
    let mut wire = Wire::new();
    wire.from = addr(66);
    let mut answered = 0;
    for seq in 1..=100 {
        wire.tag.clear();
        wire.request("REGISTER", seq, "", "");
        answered += wire.sent.len();
    }
    assert_eq!(answered, 8);
    assert_eq!(wire.told, [Event::Discarded(Discard::Banned)]);
    // The provider is never banned, nor is another stranger's first word lost.
    wire.from = addr(67);
    wire.request("OPTIONS", 1, "", "");
    assert_eq!(wire.sent.len(), 1);
    wire.from = addr(1);
    for seq in 1..=100 {
        wire.tag.clear();
        wire.request("REGISTER", seq, "", "");
        assert_eq!(wire.sent.len(), 1);
    }
}

#[test]
fn a_flood_is_dropped_unread_and_leaves_nothing_behind() {
    let mut wire = Wire::new();
    wire.from = addr(66);
    let mut answered = 0;
    for seq in 1..=5_000 {
        wire.request("OPTIONS", seq, "", "");
        answered += wire.sent.len();
    }
    assert!((200..=300).contains(&answered), "{answered}");
    assert!(wire.ua.servers.is_empty() && wire.ua.legs.is_empty());
    wire.wait(Duration::from_secs(10));
    wire.request("OPTIONS", 9_000, "", "");
    assert_eq!(wire.sent.len(), 1, "it is listened to again when it has calmed down");
}
