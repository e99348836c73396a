//! Who may call and register: nobody without the password.

use super::far::{Far, SECRET, SOON};
use super::running::House;
use hold_slayer::demo::Fact;
use hold_slayer::demo::company::Step as At;
use hold_slayer::demo::phone::Step as Owner;
use hold_slayer::sip::Cause;
use std::net::UdpSocket;

fn rung(far: &Far) -> usize {
    far.count(|f| matches!(f, Fact::Called { .. }))
}

#[test]
fn an_invite_without_a_password_is_challenged_and_one_with_a_wrong_password_never_gets_through() {
    let house = House::talking();
    let socket = UdpSocket::bind((house.net.host(4), 5060)).unwrap();
    socket.set_read_timeout(Some(SOON)).unwrap();
    let (own, to) = (socket.local_addr().unwrap(), house.net.sip());
    let invite = format!(
        "INVITE sip:18005550123@{to} SIP/2.0\r\nVia: SIP/2.0/UDP {own};branch=z9hG4bKbad\r\nMax-Forwards: 70\r\n\
         From: <sip:hall@{to}>;tag=1\r\nTo: <sip:18005550123@{to}>\r\nCall-ID: no-password\r\nCSeq: 1 INVITE\r\n\
         Contact: <sip:hall@{own}>\r\nContent-Length: 0\r\n\r\n"
    );
    socket.send_to(invite.as_bytes(), to).unwrap();
    let mut bytes = [0; 4096];
    let n = socket.recv(&mut bytes).unwrap();
    let reply = String::from_utf8_lossy(&bytes[..n]);
    assert!(reply.starts_with("SIP/2.0 401") && reply.contains("WWW-Authenticate: Digest"), "{reply}");

    let thief = Far::phone(house.net, 5, "a wrong one", vec![Owner::Dial("18005550123".into())]);
    thief.wait(0, "the call is refused", |f| *f == Fact::Ended(Cause::Unauthorized));
    house.talks_on();
    assert_eq!(rung(&house.company), 1, "the owner's call and no other");
}

#[test]
fn a_second_phone_of_the_same_name_takes_over_with_the_right_password_only() {
    let house = House::talking();
    let thief = Far::phone(house.net, 4, "a wrong one", vec![Owner::Register]);
    thief.wait(0, "the registration is refused", |f| *f == Fact::NotRegistered(Cause::Unauthorized));
    house.company.call(vec![At::HangUp]);
    house.phone.wait(0, "the owner's phone rings", |f| matches!(f, Fact::Called { .. }));
    assert_eq!(rung(&thief), 0);
    house.talks_on();

    let moved = Far::phone(house.net, 5, SECRET, vec![Owner::Register]);
    moved.wait(0, "the registration is taken", |f| *f == Fact::Registered);
    house.company.call(vec![At::HangUp]);
    moved.wait(0, "the newest phone rings", |f| matches!(f, Fact::Called { .. }));
    assert_eq!(rung(&house.phone), 1, "the former one rang once");
    house.talks_on();
}
