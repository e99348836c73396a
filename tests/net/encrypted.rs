//! TLS with a pinned root, and each way in which a certificate can be wrong, in plain words.

use super::*;
use hold_slayer::net::tls::{Trust, acceptor};
use hold_slayer::sip::Transport;
use hold_slayer::units::AccountId;
use std::path::{Path, PathBuf};

fn file(name: &str) -> PathBuf {
    Path::new("tests/net/tls").join(name)
}

fn server(cert: &str) -> TlsAcceptor {
    acceptor(&file(cert), &file("box.key")).unwrap()
}

/// What becomes of a message from a box that trusts `root` for `host` to a server that shows `cert`.
fn sent(host: &str, root: &str, cert: &str) -> Result<String, String> {
    run(async {
        let (mut there, addr) = wire("127.0.0.1", Some(server(cert)));
        let (mut here, _) = wire("127.0.0.1", None);
        let hop = Hop::new(Transport::Tls, addr);
        here.trust(AccountId(0), Trust::new(host, Some(&file(root))).unwrap());
        here.located(AccountId(0), &[hop]);
        here.send(hop, options("").into_bytes());
        let (mut near, mut far) = ([0; 100], [0; 100]);
        loop {
            tokio::select! {
                arrival = there.next(&mut far) => match arrival {
                    Arrival::Message(from, bytes) => {
                        // Back on the same connection.
                        there.send(from, bytes);
                    }
                    Arrival::Lost(..) => {}
                    other => panic!("{other:?}"),
                },
                arrival = here.next(&mut near) => match arrival {
                    Arrival::Message(from, bytes) => {
                        assert_eq!(from, hop);
                        return Ok(String::from_utf8(bytes).unwrap());
                    }
                    Arrival::Lost(_, why) => return Err(why),
                    other => panic!("{other:?}"),
                },
            }
        }
    })
}

#[test]
fn a_pinned_root_is_trusted_and_everything_else_is_explained() {
    assert_eq!(sent("sip.example", "root.pem", "box.pem"), Ok(options("")));
    assert_eq!(sent("127.0.0.1", "root.pem", "box.pem"), Ok(options("")));
    let refused = [
        (
            ("sip.example", "other-root.pem", "box.pem"),
            "the certificate of sip.example is signed by nobody whom this box trusts; if it is meant to be so, \
             name its root by ca = \"file\"",
        ),
        (
            ("other.example", "root.pem", "box.pem"),
            "the certificate of other.example is for another name: sip.example, 127.0.0.1",
        ),
        (
            ("sip.example", "root.pem", "expired.pem"),
            "the certificate of sip.example has expired, or the box's clock is wrong",
        ),
    ];
    for ((host, root, cert), why) in refused {
        assert_eq!(sent(host, root, cert), Err(why.to_owned()));
    }
}

#[test]
fn a_port_without_tls_and_a_peer_without_a_name_are_told() {
    run(async {
        let (mut here, _) = wire("127.0.0.1", None);
        let plain = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let hop = Hop::new(Transport::Tls, plain.local_addr().unwrap());
        here.send(hop, options("").into_bytes());
        assert_eq!(lost(&mut here).await.1, "no trunk says whose certificate to expect there");
        here.trust(AccountId(0), Trust::new("sip.example", Some(&file("root.pem"))).unwrap());
        here.located(AccountId(0), &[hop]);
        here.send(hop, options("").into_bytes());
        let (mut stream, _) = plain.accept().await.unwrap();
        tokio::io::AsyncWriteExt::write_all(&mut stream, b"SIP/2.0 400 Bad Request\r\n\r\n").await.unwrap();
        assert_eq!(lost(&mut here).await.1, "sip.example does not speak TLS on this port");
    });
}

#[test]
fn files_that_cannot_be_used_are_named() {
    let told = |result: Result<Trust, String>| result.map(|_| ()).unwrap_err();
    let why = told(Trust::new("sip.example", Some(&file("none.pem"))));
    assert!(why.starts_with("the certificates in tests/net/tls/none.pem cannot be read: "), "{why}");
    let why = told(Trust::new("sip.example", Some(&file("box.key"))));
    assert_eq!(why, "there is no certificate in tests/net/tls/box.key");
    let why = told(Trust::new("not a name", Some(&file("root.pem"))));
    assert_eq!(why, "not a name is no name that a certificate can be for");
    let why = acceptor(&file("root.pem"), &file("box.key")).map(|_| ()).unwrap_err();
    assert!(why.starts_with("tests/net/tls/root.pem and tests/net/tls/box.key cannot be used: "), "{why}");
}
