//! What needs the real clock: nothing may be heard of an attack.

use super::running::House;
use super::stranger::Random;
use core::time::Duration;
use std::net::{SocketAddr, UdpSocket};

/// Whole messages, to be cut off and scratched.
fn models(box_sip: SocketAddr) -> Vec<Vec<u8>> {
    let message = |line: &str, seq: &str| {
        format!(
            "{line}\r\nVia: SIP/2.0/UDP 127.0.0.9:5060;branch=z9hG4bKx\r\nFrom: <sip:hall@{box_sip}>;tag=1\r\n\
             To: <sip:hall@{box_sip}>\r\nCall-ID: noise\r\nCSeq: 1 {seq}\r\nContact: <sip:hall@127.0.0.9>\r\n\
             Max-Forwards: 70\r\nContent-Type: application/sdp\r\nContent-Length: 5\r\n\r\nv=0\r\n"
        )
        .into_bytes()
    };
    let rtp = [&[0x80, 0, 0, 1, 0, 0, 0, 160, 1, 2, 3, 4][..], &[0x55; 160]].concat();
    vec![
        message(&format!("INVITE sip:911@{box_sip} SIP/2.0"), "INVITE"),
        message(&format!("REGISTER sip:{box_sip} SIP/2.0"), "REGISTER"),
        message(&format!("BYE sip:house@{box_sip} SIP/2.0"), "BYE"),
        message("SIP/2.0 200 OK", "INVITE"),
        rtp,
    ]
}

#[test]
fn noise_on_every_port_is_not_heard() {
    let house = House::talking();
    let socket = UdpSocket::bind((house.net.host(7), 0)).unwrap();
    let models = models(house.net.sip());
    let mut random = Random(7);
    // [media] calls = 2: eight even ports from 16000 on.
    let ports: Vec<u16> = [5060].into_iter().chain((0..8).map(|n| 16_000 + 2 * n)).collect();
    for n in 0..4_500 {
        let mut bytes = match n % 3 {
            0 => random.bytes(1_400),
            _ => models[random.next() as usize % models.len()].clone(),
        };
        if n % 3 == 1 {
            bytes.truncate(random.next() as usize % bytes.len());
        }
        if n % 3 == 2 {
            let at = random.next() as usize % bytes.len();
            bytes[at] = random.next() as u8;
        }
        let port = ports[n % ports.len()];
        let _ = socket.send_to(&bytes, SocketAddr::new(house.net.host(1), port));
    }
    house.talks_on();
    let page = house.running.log_in(&house.running.password());
    let status = page.get("/api/v1/status");
    assert_eq!(status["calls"].as_array().unwrap().len(), 1, "{status}");
    assert!(!status["discards"].as_object().unwrap().is_empty(), "{status}");
    let (at_company, at_phone) = (house.company.worst_gap(), house.phone.worst_gap());
    let most = Duration::from_millis(100);
    assert!(at_company <= most && at_phone <= most, "company {at_company:?}, phone {at_phone:?}");
}
