//! No way to the provider at the start.

use super::far::{Far, Net, SECRET};
use super::running::{Folder, Running, configuration};
use core::time::Duration;
use hold_slayer::demo::Fact;
use hold_slayer::demo::company::Step as At;
use hold_slayer::demo::phone::Step as Owner;
use hold_slayer::net::tls::acceptor;
use hold_slayer::net::{Sockets, Wire};
use hold_slayer::sip::Cause;
use nix::sys::signal::Signal;
use std::path::Path;
use std::time::Instant;

#[test]
fn a_trunk_whose_name_nobody_knows_is_said_to_be_down_and_the_phone_is_answered() {
    let net = Net::new();
    let folder = Folder::new(net);
    let running = Running::with(net, &folder, &folder.0, &configuration(net, "trunk.invalid"));
    let owner = vec![
        Owner::Register,
        Owner::Dial("18005550123".into()),
        Owner::AwaitAnswer,
        Owner::AwaitEnd,
        Owner::Dial("911".into()),
        Owner::AwaitAnswer,
    ];
    let phone = Far::phone(net, 3, SECRET, owner);
    let told =
        phone.wait(0, "he is told that there is no line", |f| matches!(f, Fact::Hears(_) | Fact::HearsVoice));
    let over = phone.wait(told, "the notice ends", |f| matches!(f, Fact::Ended(_)));
    phone.wait(over, "the emergency call is refused", |f| *f == Fact::Ended(Cause::Unavailable));
    let page = running.log_in(&running.password());
    let status = page.wait("the page says why", |status| {
        status["trunks"][0]["status"].as_str().is_some_and(|words| words.contains("cannot be resolved"))
    });
    assert_eq!((&status["trunks"][0]["up"], &status["phones"][0]["up"]), (&false.into(), &true.into()));
    running.signal(Signal::SIGTERM);
    let (status, took) = running.ends();
    assert_eq!(status.code(), Some(0));
    assert!(took < Duration::from_secs(2), "the name service is not waited for: {took:?}");
}

#[test]
fn a_server_where_nothing_listens_is_told_at_once_with_what_to_do() {
    let net = Net::new();
    let folder = Folder::new(net);
    let running = Running::start(net, &folder);
    let began = Instant::now();
    let page = running.log_in(&running.password());
    let wanted = format!("nothing listens at {}. Are the port and transport of", net.trunk());
    let status = page.wait("the page says why", |status| {
        let told = |value: &serde_json::Value| value.as_str().is_some_and(|words| words.contains(&wanted));
        told(&status["trunks"][0]["status"]) && status["troubles"].as_array().unwrap().iter().any(told)
    });
    // Silence takes half a minute.
    assert!(began.elapsed() < Duration::from_secs(20), "{status}");
    let words = status["troubles"].to_string();
    assert!(words.contains("the trunk "), "{words}");
    let company = Far::company(net, vec![At::Answer, At::Forever]);
    company.wait(0, "the box registers", |f| *f == Fact::Registered);
    page.wait("nothing is said of it any more", |status| {
        status["trunks"][0]["up"] == true && !status["troubles"].to_string().contains("nothing listens")
    });
}

#[test]
fn a_provider_that_appears_later_is_registered_at_without_help() {
    let net = Net::new();
    let folder = Folder::new(net);
    let running = Running::start(net, &folder);
    let page = running.log_in(&running.password());
    let status = page.get("/api/v1/status");
    assert_eq!(status["trunks"][0]["up"], false, "{status}");
    let company = Far::company(net, vec![At::Answer, At::Forever]);
    company.wait(0, "the box registers", |f| *f == Fact::Registered);
    page.wait("the page sees it", |status| status["trunks"][0]["up"] == true);
    let dial = vec![Owner::Register, Owner::Dial("1800".into()), Owner::AwaitAnswer];
    let phone = Far::phone(net, 3, SECRET, dial);
    phone.wait(0, "calls go through", |f| *f == Fact::Answered);
}

#[test]
fn a_trunk_with_the_certificate_of_another_is_told_so_in_its_last_error() {
    let net = Net::new();
    let folder = Folder::new(net);
    let file = |name: &str| Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/net/tls").join(name);
    let listener = std::net::TcpListener::bind(net.trunk()).unwrap();
    let udp = std::net::UdpSocket::bind((net.trunk().ip(), 0)).unwrap();
    listener.set_nonblocking(true).unwrap();
    udp.set_nonblocking(true).unwrap();
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let acceptor = acceptor(&file("box.pem"), &file("box.key")).unwrap();
            let mut wire = Wire::new(Sockets { udp, tcp: None, tls: Some((listener, acceptor)) }).unwrap();
            loop {
                wire.next(&mut [0; 64]).await;
            }
        });
    });
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/net/tls/root.pem");
    let tls = format!("transport = \"tls\"\nca = \"{}\"\nserver = ", root.display());
    let configuration = configuration(net, &net.trunk().to_string()).replacen("server = ", &tls, 1);
    let running = Running::with(net, &folder, &folder.0, &configuration);
    let page = running.log_in(&running.password());
    let status = page.wait("the page says why", |status| {
        let told = status["trunks"][0]["registration"]["last_error"].as_str();
        told.is_some_and(|words| words.contains("is for another name: sip.example"))
    });
    assert_eq!(status["trunks"][0]["up"], false);
}
