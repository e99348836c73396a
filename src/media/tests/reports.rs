//! RTCP at the ports: where it goes, who is believed, what is told.

use super::*;
use crate::rtp::report::{Quality, Reports};
use crate::rtp::stream::{Receiver, Sender};

fn with_rtcp(port: PortId, rtcp: &str) -> Stream {
    Stream { rtcp: Some(rtcp.parse().unwrap()), ..stream(port, Codec::Pcmu) }
}

impl Rig {
    fn hear_report(&mut self, port: PortId, from: &str, bytes: &[u8]) {
        self.media.report(self.now, port, from.parse().unwrap(), &mut bytes.to_vec());
    }

    fn qualities(&mut self, of: PortId) -> Vec<Quality> {
        let all = std::iter::from_fn(|| self.outlets.events.pop().ok());
        all.filter_map(|e| match e {
            Event::Quality(port, quality) if port == of => Some(quality),
            _ => None,
        })
        .collect()
    }
}

#[test]
fn reports_go_where_the_peer_wants_them_and_back_to_where_they_come_from() {
    // RTCP of the peer, from which socket, where to, after it has reported from elsewhere.
    let cases = [
        ("10.0.0.1:4001", true, "10.0.0.1:4001", "10.0.0.1:60001"),
        ("10.0.0.9:7000", true, "10.0.0.9:7000", "10.0.0.1:60001"),
        ("10.0.0.1:4000", false, "10.0.0.1:4000", "10.0.0.1:4000"),
    ];
    for (rtcp, control, to, later) in cases {
        let mut rig = Rig::new();
        rig.order(MediaCommand::Change { port: PHONE, stream: with_rtcp(PHONE, rtcp) });
        rig.speak(PHONE, true);
        rig.run_ms(60_000);
        let reports = rig.take_reports(PHONE);
        assert!((10..=20).contains(&reports.len()), "{} in a minute", reports.len());
        assert!(reports.iter().all(|r| r.control == control && r.to == to.parse().unwrap()), "{rtcp}");
        assert!(reports.iter().all(|r| r.payload[1] == 200), "sender reports");
        assert_eq!(rig.take_reports(TRUNK).len(), 0, "it takes none");
        let peer = Reports::new(rig.now, 3);
        let (bytes, length) = peer.goodbye(8);
        rig.hear_report(PHONE, "10.0.0.1:60001", &bytes[..length]);
        rig.run_ms(20_000);
        assert!(rig.take_reports(PHONE).iter().all(|r| r.to == later.parse().unwrap()), "{rtcp}");
        assert!(!rig.take(PHONE).is_empty(), "a goodbye in RTCP ends nothing");
    }
}

#[test]
fn loss_jitter_and_round_trip_are_told_from_both_ends() {
    let mut rig = Rig::new();
    rig.order(MediaCommand::Change { port: PHONE, stream: with_rtcp(PHONE, "10.0.0.1:4001") });
    rig.speak(PHONE, true);
    rig.run_ms(3_000);
    let header = &mut rig.peers[1].header;
    header.sequence = header.sequence.wrapping_add(10);
    rig.run_ms(1_000);
    // The peer has received all of our stream but five, and answers each report after 100 ms.
    let (mut receiver, sender, mut peer) = (Receiver::default(), Sender::new(4), Reports::new(rig.now, 4));
    for (n, sent) in rig.take(PHONE).iter().enumerate().filter(|(n, _)| !(50..55).contains(n)) {
        receiver.accept(&sent.header);
        assert!(n < 1000);
    }
    let ours = rig.take_reports(PHONE);
    let last = ours.last().expect("one in four seconds");
    peer.hear(last.at + Duration::from_millis(20), &last.payload, 0, receiver.ssrc()).unwrap();
    let answer = peer.write(last.at + Duration::from_millis(120), &sender, &receiver);
    rig.now = last.at + Duration::from_millis(140);
    rig.hear_report(PHONE, "10.0.0.1:4001", &answer.0[..answer.1]);
    rig.qualities(PHONE);
    rig.run_ms(10_000);
    let quality = *rig.qualities(PHONE).last().expect("one in ten seconds");
    let far = quality.far.unwrap();
    assert_eq!((quality.lost, far.lost), (10, 5));
    assert!((38_000..42_000).contains(&far.round_trip_us.unwrap()), "{far:?}");
    assert_eq!(rig.outlets.counters.read().reports_in, 1);
}

#[test]
fn who_is_not_the_peer_and_what_is_no_report_is_not_believed() {
    let mut rig = Rig::new();
    rig.order(MediaCommand::Change { port: PHONE, stream: with_rtcp(PHONE, "10.0.0.1:4001") });
    let peer = Reports::new(rig.now, 3);
    let (bytes, length) = peer.goodbye(8);
    rig.hear_report(PHONE, "192.0.2.66:4001", &bytes[..length]);
    rig.hear_report(PHONE, "10.0.0.1:4001", &bytes[..length - 3]);
    rig.hear_report(PortId(9), "10.0.0.1:4001", &bytes[..length]);
    let counted = rig.outlets.counters.read();
    assert_eq!([Discard::Foreign, Discard::Rtcp, Discard::Closed].map(|d| counted.discarded(d)), [1, 1, 1]);
    assert_eq!(counted.reports_in, 0);
    // On the port of RTP it is told apart by its type.
    let (now, from) = (rig.now, address(PHONE));
    let mut datagram = bytes[..length].to_vec();
    rig.media.packet(now, PHONE, from, &mut datagram, &mut |_| {});
    assert_eq!(rig.outlets.counters.read().reports_in, 1);
}

#[test]
fn a_port_that_closes_says_goodbye_once() {
    let mut rig = Rig::new();
    rig.order(MediaCommand::Change { port: PHONE, stream: with_rtcp(PHONE, "10.0.0.1:4001") });
    rig.run_ms(100);
    let ssrc = rig.take(PHONE)[0].header.ssrc;
    rig.order(MediaCommand::Close(PHONE));
    rig.run_ms(1_000);
    let reports = rig.take_reports(PHONE);
    let [last] = reports.as_slice() else { panic!("{} reports", reports.len()) };
    assert_eq!(last.payload[last.payload.len() - 8..][..4], [0x81, 203, 0, 1]);
    assert_eq!(last.payload[last.payload.len() - 4..], ssrc.to_be_bytes());
}

#[test]
fn a_peer_with_our_number_makes_us_take_another_once_and_is_heard() {
    let mut rig = Rig::new();
    rig.order(MediaCommand::Change { port: PHONE, stream: with_rtcp(PHONE, "10.0.0.1:4001") });
    rig.order(MediaCommand::Join(TRUNK, PHONE));
    rig.run_ms(100);
    let first = rig.take(PHONE)[0].header.ssrc;
    rig.peers[1].header.ssrc = first;
    rig.speak(PHONE, true);
    rig.run_ms(200);
    let second = rig.take(PHONE).last().unwrap().header.ssrc;
    assert_ne!(second, first);
    assert_eq!(rig.take_reports(PHONE).len(), 1, "a goodbye for the old one");
    assert!(rig.take(TRUNK).last().unwrap().is(PHONE_SAYS), "it is heard");
    // An echo test sends back what it gets: it has our number whatever we take.
    rig.peers[1].header.ssrc = second;
    rig.run_ms(200);
    assert!(rig.take(PHONE).iter().all(|s| s.header.ssrc == second));
    assert!(rig.take(TRUNK).last().unwrap().is(PHONE_SAYS));
    assert_eq!(rig.outlets.counters.read().collisions, 1);
}

#[test]
fn reports_of_a_leg_with_keys_are_protected_both_ways() {
    use crate::rtp::srtp::{Context, TAIL_BYTES};
    use crate::units::{SrtpKey, SrtpKeys, Suite};
    let key = |octet| SrtpKey::new(Suite::Aes128Tag80, &[octet; 30], 0).unwrap();
    let keys = SrtpKeys { ours: key(1), theirs: key(2) };
    let mut rig = Rig::new();
    let stream = Stream { keys: Some(keys), ..with_rtcp(PHONE, "10.0.0.1:4001") };
    rig.order(MediaCommand::Change { port: PHONE, stream });
    rig.run_ms(10_000);
    rig.order(MediaCommand::Close(PHONE));
    rig.run_ms(100);
    let mut into = Context::new(keys.ours).unwrap();
    let reports = rig.take_reports(PHONE);
    assert!(reports.len() >= 2);
    for mut report in reports {
        let mut peer = Reports::new(rig.now, 3);
        assert!(peer.hear(rig.now, &report.payload, 0, None).is_err(), "not readable on the way");
        let length = into.open(&mut report.payload).unwrap();
        peer.hear(rig.now, &report.payload[..length], 0, None).unwrap();
    }
    rig.order(MediaCommand::Open { port: PHONE, stream, seed: 5 });
    let (bytes, length) = Reports::new(rig.now, 3).goodbye(8);
    rig.hear_report(PHONE, "10.0.0.1:4001", &bytes[..length]);
    assert_eq!(rig.outlets.counters.read().reports_in, 0, "in the clear it is not believed");
    let mut sealed = bytes[..length].to_vec();
    sealed.resize(length + TAIL_BYTES, 0);
    let length = Context::new(keys.theirs).unwrap().protect(&mut sealed, length).unwrap();
    rig.hear_report(PHONE, "10.0.0.1:4001", &sealed[..length]);
    assert_eq!(rig.outlets.counters.read().reports_in, 1);
}
