//! Bytes that nobody should send.

use super::wire::Wire;
use super::*;
use crate::limits::{LEGS, SIP_LINGERING, SIP_TRANSACTIONS};
use crate::sip::{Cause, Discard};

/// Real datagrams: registrations, calls, holds of their transactions.
fn samples() -> Vec<Vec<u8>> {
    let mut net = Net::registered(1);
    for (from, account, to) in [(BOX, TRUNK, PROVIDER), (PHONE, AT_BOX, BOX)] {
        let (out, _) = net.up(from, account, to);
        net.command(from, Command::Info(out, crate::units::Digit::STAR, super::HELD));
        net.command(from, Command::Hangup(out, Cause::Normal));
        net.run(Duration::from_secs(1));
    }
    let out = net.call(BOX, HANDSET, "1", caller("", "1"));
    net.incoming(PHONE);
    net.command(BOX, Command::Hangup(out, Cause::Normal));
    net.run(Duration::from_secs(1));
    net.posted
}

fn mutated(random: &mut Random, samples: &[Vec<u8>]) -> Vec<u8> {
    let mut pick = |below: usize| usize::try_from(random.bits() % below.max(1) as u64).expect("small");
    let mut bytes = samples[pick(samples.len())].clone();
    for _ in 0..=pick(4) {
        let at = pick(bytes.len());
        match pick(6) {
            0 => bytes.truncate(at),
            1 if !bytes.is_empty() => bytes[at] = u8::try_from(pick(256)).expect("a byte"),
            2 => bytes.insert(at, b"\r\n:;,<>\"\0 =0"[pick(12)]),
            3 => {
                let other = &samples[pick(samples.len())];
                bytes.truncate(at);
                bytes.extend_from_slice(&other[pick(other.len())..]);
            }
            4 => {
                // A line twice, or a line gone.
                let text = String::from_utf8_lossy(&bytes).into_owned();
                let mut lines: Vec<&str> = text.split("\r\n").collect();
                let line = pick(lines.len());
                let twice = lines[line];
                if pick(2) == 0 {
                    lines.insert(line, twice);
                } else {
                    lines.remove(line);
                }
                bytes = lines.join("\r\n").into_bytes();
            }
            _ => {
                let end = (at + pick(40)).min(bytes.len());
                bytes.drain(at..end);
            }
        }
    }
    bytes
}

#[test]
fn mutated_messages_stop_nothing() {
    let samples = samples();
    for seed in 0..20 {
        let mut random = Random::new(seed);
        let mut net = Net::registered(1);
        net.proper = false;
        net.up(BOX, TRUNK, PROVIDER);
        net.up(PHONE, AT_BOX, BOX);
        for n in 0..1000 {
            let bytes = mutated(&mut random, &samples);
            let host = u8::try_from(1 + random.bits() % 4).expect("small");
            net.deliver(addr(host), BOX, &bytes);
            if n % 50 == 0 {
                net.run(Duration::from_secs(random.bits() % 20));
            }
        }
        settle(&mut net);
        net.up(BOX, TRUNK, PROVIDER);
    }
}

/// Ends every leg of the box, and waits until nothing is left of them.
fn settle(net: &mut Net) {
    for leg in net.uas[BOX].1.legs.keys().copied().collect::<Vec<_>>() {
        net.command(BOX, Command::Hangup(leg, Cause::Normal));
    }
    net.run(Duration::from_secs(3 * 32 + 5));
    let ua = &net.uas[BOX].1;
    assert!(ua.legs.is_empty() && ua.dialogs.is_empty() && ua.clients.is_empty() && ua.servers.is_empty());
}

#[test]
fn noise_is_counted_and_costs_nothing() {
    let mut net = Net::registered(2);
    let mut random = Random::new(2);
    for _ in 0..5000 {
        let length = random.bits() % 200;
        let bytes: Vec<u8> = (0..length).map(|_| random.bits().to_le_bytes()[0]).collect();
        net.deliver(addr(1), BOX, &bytes);
    }
    let counted = net.told[BOX].iter().filter(|e| **e == Event::Discarded(Discard::Malformed)).count();
    assert!(counted > 4900, "{counted}");
    let ua = &net.uas[BOX].1;
    assert!(ua.servers.is_empty() && ua.legs.is_empty());
}

#[test]
fn a_flood_fills_the_table_and_no_more() {
    let mut net = Net::registered(3);
    for n in 0..LEGS + SIP_TRANSACTIONS {
        let text = format!(
            "INVITE sip:house@10.0.0.2 SIP/2.0\r\nVia: SIP/2.0/UDP 10.0.0.1;branch=z9hG4bKf{n}\r\nMax-Forwards: 70\r\n\
             From: <sip:f@x>;tag=f\r\nTo: <sip:house@x>\r\nCall-ID: f{n}\r\nCSeq: 1 INVITE\r\nContact: <sip:f@10.0.0.1>\r\n\
             Content-Length: 0\r\n\r\n"
        );
        net.deliver(addr(1), BOX, text.as_bytes());
    }
    let ua = &net.uas[BOX].1;
    assert!(ua.legs.len() <= LEGS && ua.clients.len() + ua.servers.len() <= SIP_TRANSACTIONS);
    assert!(net.told[BOX].contains(&Event::Discarded(Discard::Full)));
    assert!(net.posted.iter().any(|bytes| bytes.starts_with(b"SIP/2.0 503 ")));
    // What leaves the house needs room of its own.
    let legs: Vec<_> = net.uas[BOX].1.legs.keys().copied().collect();
    for leg in legs.into_iter().take(10) {
        net.command(BOX, Command::Hangup(leg, Cause::Busy));
    }
    net.call(BOX, TRUNK, "911", caller("", ""));
    net.incoming(PROVIDER);
    settle(&mut net);
}

#[test]
fn a_flood_within_a_call_forgets_what_is_over_and_is_answered() {
    let (mut wire, leg) = Wire::incoming("");
    for seq in 0..2 * SIP_LINGERING {
        wire.request("INFO", 2 + u32::try_from(seq).expect("small"), "", "");
        assert_eq!(wire.response().status, 200);
    }
    assert_eq!(wire.ua.servers.len(), SIP_LINGERING);
    wire.command(Command::Hangup(leg, Cause::Normal));
    assert_eq!(wire.requests().len(), 1, "its BYE goes out all the same");
    wire.wait(Duration::from_secs(32));
    assert!(wire.ua.servers.is_empty());
}

#[test]
fn an_unauthenticated_flood_leaves_no_state() {
    let mut net = Net::registered(4);
    net.run(Duration::from_secs(10));
    for n in 0..5000 {
        let text = format!(
            "INVITE sip:911@10.0.0.2 SIP/2.0\r\nVia: SIP/2.0/UDP 10.0.0.66;branch=z9hG4bKf{n}\r\nMax-Forwards: 70\r\n\
             From: <sip:phone@x>;tag=f\r\nTo: <sip:911@x>\r\nCall-ID: f{n}\r\nCSeq: 1 INVITE\r\n\
             Contact: <sip:phone@10.0.0.66>\r\nContent-Length: 0\r\n\r\n"
        );
        net.deliver(addr(66), BOX, text.as_bytes());
    }
    let ua = &net.uas[BOX].1;
    assert!(ua.legs.is_empty() && ua.servers.is_empty() && ua.clients.is_empty());
    let challenged = net.posted.iter().filter(|bytes| bytes.starts_with(b"SIP/2.0 401 ")).count();
    assert!(
        (200..=260).contains(&challenged),
        "{challenged}: what exceeds the source's share is dropped unread"
    );
}
