//! TCP as it comes: cut anywhere, kept alive, misused, refused.

use super::*;
use hold_slayer::limits::{SIP_STREAM_QUEUE, SIP_STREAMS_FROM_ONE};
use hold_slayer::sip::Transport;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream, UdpSocket};

#[test]
fn messages_come_whole_and_answers_go_back_on_the_same_connection() {
    run(async {
        let (mut wire, addr) = wire("127.0.0.1", None);
        let mut peer = TcpStream::connect(addr).await.unwrap();
        let text = options("abc");
        let (one, two) = text.split_at(40);
        peer.write_all(one.as_bytes()).await.unwrap();
        peer.flush().await.unwrap();
        peer.write_all(two.as_bytes()).await.unwrap();
        peer.write_all(format!("{text}\r\n\r\n").as_bytes()).await.unwrap();
        let (from, first) = message(&mut wire).await;
        assert_eq!((from.transport, from.addr), (Transport::Tcp, peer.local_addr().unwrap()));
        assert_eq!((first.as_str(), message(&mut wire).await.1), (text.as_str(), text.clone()));
        wire.send(from, b"SIP/2.0 200 OK\r\n\r\n".to_vec());
        // The answer, and RFC 5626's pong to the ping at the end, in either order.
        let mut answer = [0; 20];
        peer.read_exact(&mut answer).await.unwrap();
        assert!(answer == *b"SIP/2.0 200 OK\r\n\r\n\r\n" || answer == *b"\r\nSIP/2.0 200 OK\r\n\r\n");
        drop(peer);
        assert_eq!(lost(&mut wire).await, (from, "the peer ended the connection".to_owned()));
    });
}

#[test]
fn what_is_no_sip_loses_its_connection_alone() {
    run(async {
        let (mut wire, addr) = wire("127.0.0.1", None);
        let mut good = TcpStream::connect(addr).await.unwrap();
        let mut bad = TcpStream::connect(addr).await.unwrap();
        bad.write_all(b"GET / HTTP/1.1\r\n\r\n").await.unwrap();
        assert_eq!(lost(&mut wire).await.1, "what came was no SIP");
        assert_eq!(bad.read(&mut [0; 10]).await.unwrap_or(0), 0);
        let mut endless = TcpStream::connect(addr).await.unwrap();
        endless.write_all(options("").replace("Length: 0", "Length: 70000").as_bytes()).await.unwrap();
        assert_eq!(lost(&mut wire).await.1, "a message came that has no end, or one too far away");
        let mut answer = String::new();
        endless.read_to_string(&mut answer).await.unwrap();
        assert!(answer.starts_with("SIP/2.0 513 Message Too Large\r\n"), "{answer}");
        good.write_all(options("").as_bytes()).await.unwrap();
        assert_eq!(message(&mut wire).await.1, options(""));
    });
}

#[test]
fn a_connection_of_our_own_is_made_once_and_used_both_ways() {
    for ip in ["127.0.0.1", "::1"] {
        run(async {
            let (mut wire, _) = wire(ip, None);
            let server = TcpListener::bind((ip, 0)).await.unwrap();
            let hop = Hop::new(Transport::Tcp, server.local_addr().unwrap());
            wire.send(hop, options("").into_bytes());
            wire.send(hop, options("b").into_bytes());
            let (mut stream, from) = server.accept().await.unwrap();
            assert_eq!(from.ip().to_string(), ip, "it comes from the address it listens on");
            let mut both = vec![0; options("").len() + options("b").len()];
            stream.read_exact(&mut both).await.unwrap();
            assert_eq!(String::from_utf8(both).unwrap(), options("") + &options("b"));
            stream.write_all(options("c").as_bytes()).await.unwrap();
            assert_eq!(message(&mut wire).await, (hop, options("c")));
        });
    }
}

#[test]
fn nobody_there_is_told() {
    run(async {
        let (mut wire, _) = wire("127.0.0.1", None);
        let gone = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
        let hop = Hop::new(Transport::Tcp, gone);
        wire.send(hop, options("").into_bytes());
        let (told, why) = lost(&mut wire).await;
        assert_eq!(told, hop);
        assert!(why.starts_with("no connection could be made: Connection refused"), "{why}");
    });
}

#[test]
fn a_peer_that_does_not_read_loses_its_connection() {
    run(async {
        let (mut wire, _) = wire("127.0.0.1", None);
        let server = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let hop = Hop::new(Transport::Tcp, server.local_addr().unwrap());
        // The task of the connection has no turn meanwhile, so the queue is all there is.
        for _ in 0..=SIP_STREAM_QUEUE {
            wire.send(hop, options("").into_bytes());
        }
        assert_eq!(lost(&mut wire).await, (hop, "the peer does not read what it is sent".to_owned()));
    });
}

#[test]
fn one_address_cannot_take_all_connections() {
    run(async {
        let (mut wire, addr) = wire("127.0.0.1", None);
        let mut peers = Vec::new();
        for _ in 0..SIP_STREAMS_FROM_ONE + 5 {
            peers.push(TcpStream::connect(addr).await.unwrap());
        }
        for peer in &mut peers {
            // Those that were not taken may be closed already.
            let _ = peer.write_all(options("").as_bytes()).await;
        }
        for _ in 0..SIP_STREAMS_FROM_ONE {
            message(&mut wire).await;
        }
        let mut closed = 0;
        for mut peer in peers.split_off(SIP_STREAMS_FROM_ONE) {
            closed += usize::from(peer.read(&mut [0; 1]).await.unwrap_or(0) == 0);
        }
        assert_eq!(closed, 5);
    });
}

#[test]
fn datagrams_come_and_go_on_both_families() {
    run(async {
        for (own, other) in [("127.0.0.1", "127.0.0.1"), ("::1", "::1"), ("::", "127.0.0.1")] {
            let udp = std::net::UdpSocket::bind((own, 0)).unwrap();
            udp.set_nonblocking(true).unwrap();
            let port = udp.local_addr().unwrap().port();
            let mut wire = Wire::new(Sockets { udp, tcp: None, tls: None }).unwrap();
            let peer = UdpSocket::bind((other, 0)).await.unwrap();
            peer.send_to(b"hello", (other, port)).await.unwrap();
            let mut bytes = [0; 100];
            let Arrival::Datagram(from, 5) = wire.next(&mut bytes).await else { panic!("no datagram") };
            assert_eq!(from, peer.local_addr().unwrap(), "an IPv4 peer is shown as such");
            wire.send(Hop::udp(from), b"back".to_vec());
            assert_eq!(peer.recv(&mut bytes).await.unwrap(), 4);
        }
    });
}

#[test]
fn a_datagram_that_is_turned_away_is_told_at_once_and_costs_nobody_else_one() {
    for ip in ["127.0.0.1", "::1", "::"] {
        run(async {
            let (mut wire, _) = wire(ip, None);
            // An IPv6 socket for every address carries IPv4, too.
            let ip = if ip == "::" { "127.0.0.1" } else { ip };
            let gone = std::net::UdpSocket::bind((ip, 0)).unwrap().local_addr().unwrap();
            let there = UdpSocket::bind((ip, 0)).await.unwrap();
            // It looks at its socket once.
            let early = tokio::time::timeout(Duration::from_millis(1), wire.next(&mut [0; 64])).await;
            assert!(early.is_err(), "{early:?}");
            wire.send(Hop::udp(gone), b"a".to_vec());
            // Its refusal is reported where this one is sent.
            wire.send(Hop::udp(there.local_addr().unwrap()), b"b".to_vec());
            assert_eq!(lost(&mut wire).await, (Hop::udp(gone), format!("nothing listens at {gone}")));
            assert_eq!(there.recv(&mut [0; 2]).await.unwrap(), 1);
            // And it is seen by who waits.
            wire.send(Hop::udp(gone), b"a".to_vec());
            assert_eq!(lost(&mut wire).await.0, Hop::udp(gone));
        });
    }
}
