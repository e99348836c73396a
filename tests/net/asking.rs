//! `check` asks a trunk whether it takes the password, by each transport, and changes nothing there.

use super::*;
use hold_slayer::check::Answer;
use hold_slayer::check::ask;
use hold_slayer::config;
use hold_slayer::net::tls::acceptor;
use hold_slayer::sip::Transport;
use hold_slayer::sip::auth::Verifier;
use hold_slayer::sip::message::{Message, Method, parse};
use hold_slayer::units::Instant;
use std::path::{Path, PathBuf};

fn file(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/net/tls").join(name)
}

/// What the registrar is told to be.
#[derive(Clone, Copy)]
struct Registrar {
    transport: Transport,
    /// What it answers to the right password.
    welcome: u16,
    cert: &'static str,
}

const PLAIN: Registrar = Registrar { transport: Transport::Udp, welcome: 200, cert: "box.pem" };

/// Starts one, which answers until the test ends, and gives its port.
fn registrar(what: Registrar) -> u16 {
    let (tell, told) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        run(async move {
            let tls = (what.transport == Transport::Tls)
                .then(|| acceptor(&file(what.cert), &file("box.key")).unwrap());
            let udp = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
            let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
            udp.set_nonblocking(true).unwrap();
            listener.set_nonblocking(true).unwrap();
            let port = match what.transport {
                Transport::Udp => udp.local_addr().unwrap().port(),
                _ => listener.local_addr().unwrap().port(),
            };
            let sockets = match tls {
                None => Sockets { udp, tcp: Some(listener), tls: None },
                Some(tls) => Sockets { udp, tcp: None, tls: Some((listener, tls)) },
            };
            let mut wire = Wire::new(sockets).unwrap();
            tell.send(port).unwrap();
            let verifier = Verifier::new("provider", [7; 32]);
            let mut buffer = [0; 4096];
            loop {
                let (from, bytes) = match wire.next(&mut buffer).await {
                    Arrival::Datagram(from, length) => (Hop::udp(from), buffer[..length].to_vec()),
                    Arrival::Message(from, bytes) => (from, bytes),
                    Arrival::Lost(..) => continue,
                };
                let Ok(Message::Request(request)) = parse(&bytes) else { panic!("no request") };
                assert_eq!(request.method, Method::Register);
                // Without a Contact nothing is bound, and nothing taken away.
                assert_eq!(request.headers.first("Contact"), None);
                let line = request.headers.first("Authorization");
                let proved = line.is_some_and(|line| {
                    let secret = |user: &str| (user == "me").then_some("right");
                    verifier.check(Instant(1), line, &Method::Register, "sip:127.0.0.1", secret).is_ok()
                });
                let mut response = request.respond(if proved { what.welcome } else { 401 }, "so");
                if !proved {
                    response.headers.push("WWW-Authenticate", verifier.challenge(Instant(1), false));
                }
                wire.send(from, response.emit());
            }
        });
    });
    told.recv().unwrap()
}

/// What the box says of a trunk with this server and these further lines.
fn asked(server: &str, secret: &str, more: &str) -> Answer {
    let text = format!(
        "[sip]\nlisten = \"127.0.0.1:5060\"\n[[trunk]]\nname = \"t\"\nserver = \"{server}\"\nuser = \"me\"\n\
         domain = \"127.0.0.1\"\nsecret = \"{secret}\"\n{more}\n"
    );
    let config = config::parse(&text, "t.toml", &|_| Err(std::io::ErrorKind::NotFound.into())).unwrap();
    ask::trunks(&config).remove(0).answer
}

#[test]
fn the_password_is_tried_by_each_transport() {
    let here = "127.0.0.1".parse().unwrap();
    for (transport, more) in [
        (Transport::Udp, String::new()),
        (Transport::Tcp, "transport = \"tcp\"".to_owned()),
        (Transport::Tls, format!("transport = \"tls\"\nca = \"{}\"", file("root.pem").display())),
    ] {
        let server = format!("127.0.0.1:{}", registrar(Registrar { transport, ..PLAIN }));
        assert_eq!(asked(&server, "right", &more), Answer::Accepted(here), "{transport:?}");
        assert_eq!(asked(&server, "wrong", &more), Answer::WrongPassword(here), "{transport:?}");
    }
    for (welcome, answer) in
        [(403, Answer::Forbidden(here)), (404, Answer::NoSuchUser(here)), (500, Answer::Status(500, here))]
    {
        let server = format!("127.0.0.1:{}", registrar(Registrar { welcome, ..PLAIN }));
        assert_eq!(asked(&server, "right", ""), answer);
    }
}

#[test]
fn a_certificate_for_another_name_and_nobody_at_all_are_told() {
    let port = registrar(Registrar { transport: Transport::Tls, ..PLAIN });
    let tls = format!("transport = \"tls\"\nca = \"{}\"", file("root.pem").display());
    let Answer::NoConnection(_, why) = asked(&format!("localhost:{port}"), "right", &tls) else {
        panic!("a wrong name is taken")
    };
    assert_eq!(why, "the certificate of localhost is for another name: sip.example, 127.0.0.1");
    let tls = format!("transport = \"tls\"\nca = \"{}\"", file("other-root.pem").display());
    let Answer::NoConnection(_, why) = asked(&format!("127.0.0.1:{port}"), "right", &tls) else {
        panic!("a wrong root is taken")
    };
    assert!(
        why.starts_with("the certificate of 127.0.0.1 is signed by nobody whom this box trusts"),
        "{why}"
    );
    let closed = std::net::UdpSocket::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let closed = format!("127.0.0.1:{closed}");
    assert_eq!(asked(&closed, "right", ""), Answer::Refused("127.0.0.1".parse().unwrap()));
    assert!(matches!(asked(&closed, "right", "transport = \"tcp\""), Answer::NoConnection(..)));
    let silent = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
    let server = silent.local_addr().unwrap().to_string();
    assert_eq!(asked(&server, "right", ""), Answer::Silence("127.0.0.1".parse().unwrap()));
    assert_eq!(asked("[::1]:5060", "right", ""), Answer::OtherFamily);
    assert!(matches!(asked("no-such-host.invalid", "right", ""), Answer::NoSuchHost(_)));
}

#[test]
fn a_trunk_without_registration_is_asked_for_a_sign_of_life() {
    let trunk = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
    let text = format!(
        "[sip]\nlisten = \"127.0.0.1:5060\"\n[[trunk]]\nname = \"t\"\naddress = \"{}\"\n",
        trunk.local_addr().unwrap()
    );
    let config = config::parse(&text, "t.toml", &|_| Err(std::io::ErrorKind::NotFound.into())).unwrap();
    let asked = std::thread::spawn(move || ask::trunks(&config).remove(0).answer);
    let mut buffer = [0; 2048];
    let (length, from) = trunk.recv_from(&mut buffer).unwrap();
    let Ok(Message::Request(request)) = parse(&buffer[..length]) else { panic!("no request") };
    assert_eq!(request.method, Method::Options);
    trunk.send_to(b"hello", from).unwrap();
    trunk.send_to(&request.respond(100, "Trying").emit(), from).unwrap();
    trunk.send_to(&request.respond(404, "Not Found").emit(), from).unwrap();
    assert_eq!(asked.join().unwrap(), Answer::Status(404, "127.0.0.1".parse().unwrap()));
}
