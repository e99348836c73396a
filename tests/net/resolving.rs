//! A name server on loopback, and what the box makes of its records.

use super::*;
use hickory_resolver::proto::op::{Message, MessageType, OpCode, ResponseCode};
use hickory_resolver::proto::rr::rdata::{A, NAPTR, SRV};
use hickory_resolver::proto::rr::{Name, RData, Record};
use hold_slayer::net::names::Names;
use hold_slayer::sip::Transport;
use tokio::net::UdpSocket;

fn name(text: &str) -> Name {
    Name::from_ascii(text).unwrap()
}

fn srv(at: &str, priority: u16, weight: u16, port: u16, target: &str) -> Record {
    Record::from_rdata(name(at), 300, RData::SRV(SRV::new(priority, weight, port, name(target))))
}

fn a(at: &str, host: u8, ttl: u32) -> Record {
    Record::from_rdata(name(at), ttl, RData::A(A::new(192, 0, 2, host)))
}

fn naptr(order: u16, service: &str, to: &str) -> Record {
    let bytes = |text: &str| text.as_bytes().to_vec().into_boxed_slice();
    let data = NAPTR::new(order, 10, bytes("s"), bytes(service), bytes(""), name(to));
    Record::from_rdata(name("full.example."), 300, RData::NAPTR(data))
}

fn zone() -> Vec<Record> {
    vec![
        naptr(20, "SIP+D2U", "_sip._udp.full.example."),
        naptr(10, "SIPS+D2T", "_sips._tcp.full.example."),
        srv("_sips._tcp.full.example.", 1, 0, 5061, "one.example."),
        srv("_sip._udp.full.example.", 20, 0, 5070, "two.example."),
        srv("_sip._udp.full.example.", 10, 0, 5060, "one.example."),
        srv("_sip._tcp.some.example.", 1, 0, 5062, "two.example."),
        srv("_sip._udp.some.example.", 1, 0, 5060, "two.example."),
        a("one.example.", 1, 300),
        a("two.example.", 2, 120),
        a("two.example.", 3, 120),
        a("plain.example.", 9, 5),
    ]
}

/// Answers from the zone until the test is over.
async fn serve(socket: UdpSocket) {
    let mut bytes = [0; 1024];
    loop {
        let (len, from) = socket.recv_from(&mut bytes).await.unwrap();
        let asked = Message::from_vec(&bytes[..len]).unwrap();
        let query = asked.queries[0].clone();
        let mut answer = Message::response(asked.metadata.id, OpCode::Query);
        assert_eq!(asked.metadata.message_type, MessageType::Query);
        let lower = query.name().to_lowercase();
        let of_name: Vec<Record> = zone().into_iter().filter(|record| record.name == lower).collect();
        if of_name.is_empty() {
            answer.metadata.response_code = ResponseCode::NXDomain;
        }
        let fitting = of_name.into_iter().filter(|record| record.record_type() == query.query_type());
        for mut record in fitting {
            record.name = query.name().clone();
            answer.add_answer(record);
        }
        answer.add_query(query);
        socket.send_to(&answer.to_vec().unwrap(), from).await.unwrap();
    }
}

#[test]
fn servers_are_found_in_the_order_that_their_records_say() {
    use Transport::{Tcp, Tls, Udp};
    type Found = &'static [(Transport, u8, u16)];
    let cases: [(&str, Option<Transport>, Found, u64); 7] = [
        // NAPTR chooses the transport, SRV the server and the port.
        ("full.example", None, &[(Tls, 1, 5061), (Udp, 1, 5060), (Udp, 2, 5070), (Udp, 3, 5070)], 120),
        ("full.example", Some(Tls), &[(Tls, 1, 5061)], 300),
        ("full.example", Some(Udp), &[(Udp, 1, 5060), (Udp, 2, 5070), (Udp, 3, 5070)], 120),
        // Without NAPTR: what SRV records there are, and each address of a server.
        ("some.example", None, &[(Udp, 2, 5060), (Udp, 3, 5060), (Tcp, 2, 5062), (Tcp, 3, 5062)], 120),
        // Without SRV: the address; its lifetime of 5 s is not taken at its word.
        ("plain.example", None, &[(Udp, 9, 5060)], 30),
        ("plain.example", Some(Tls), &[(Tls, 9, 5061)], 30),
        ("nobody.example", None, &[], 3600),
    ];
    run(async {
        let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let server = socket.local_addr().unwrap();
        tokio::spawn(serve(socket));
        for (host, wanted, found, seconds) in cases {
            let names = Names::of(server).unwrap();
            let (hops, left) = names.servers(host, wanted, |_| 0, |addr| addr.is_ipv4()).await;
            let mut hops: Vec<_> = hops.iter().map(|hop| (hop.transport, hop.addr.to_string())).collect();
            let text = |(by, host, port): &(Transport, u8, u16)| (*by, format!("192.0.2.{host}:{port}"));
            let mut found: Vec<_> = found.iter().map(text).collect();
            // Addresses of one name come in any order.
            let by_port = |(by, addr): &(Transport, String)| (*by, addr[addr.len() - 5..].to_owned());
            assert_eq!(
                hops.iter().map(by_port).collect::<Vec<_>>(),
                found.iter().map(by_port).collect::<Vec<_>>()
            );
            hops.sort();
            found.sort();
            assert_eq!(hops, found, "{host} {wanted:?}");
            assert!(left.as_secs() <= seconds && left.as_secs() + 5 >= seconds.min(3600), "{host}: {left:?}");
        }
        // An address of a kind that the box cannot reach is none.
        let names = Names::of(server).unwrap();
        assert!(names.servers("plain.example", None, |_| 0, |addr| addr.is_ipv6()).await.0.is_empty());
    });
}
