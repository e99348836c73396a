//! Ports that somebody else has.

use super::far::{Far, Net, company_talks};
use super::running::{Folder, House, Running, configuration};
use hold_slayer::demo::Fact;
use nix::sys::signal::Signal;
use std::net::{SocketAddr, TcpListener, TcpStream, UdpSocket};

#[test]
fn a_port_in_use_is_named_with_the_key_that_chooses_another() {
    let net = Net::new();
    let folder = Folder::new(net);
    let _taken = UdpSocket::bind(net.sip()).unwrap();
    let company = UdpSocket::bind(net.trunk()).unwrap();
    company.set_nonblocking(true).unwrap();
    let (code, words) = Running::refuses(&folder, &configuration(net, &net.trunk().to_string()));
    assert_eq!(code, 1, "{words}");
    let last = words.lines().last().unwrap();
    assert!(last.contains("5060") && last.contains("[sip] listen"), "{words}");
    let sent = company.recv_from(&mut [0; 2048]);
    assert!(sent.is_err(), "a box that does not come up does not register");
}

#[test]
fn a_port_for_sound_that_somebody_has_is_left_out() {
    let net = Net::new();
    let folder = Folder::new(net);
    let _taken = UdpSocket::bind(SocketAddr::new(net.host(1), 16_006)).unwrap();
    let company = Far::company(net, company_talks());
    let running = Running::start(net, &folder);
    let log = running.says("port 16006 is taken by another program");
    assert!(log.contains("[media] rtp_ports"), "{log}");
    company.wait(0, "the box registers", |fact| *fact == Fact::Registered);
    // Its last port is the first one after those that it should have had.
    assert!(UdpSocket::bind(SocketAddr::new(net.host(1), 16_016)).is_err(), "eight and one left out");
    assert!(UdpSocket::bind(SocketAddr::new(net.host(1), 16_018)).is_ok());
}

#[test]
fn an_address_that_the_machine_does_not_have_silences_neither_telephone_nor_page() {
    let net = Net::new();
    let folder = Folder::new(net);
    let free = || UdpSocket::bind("0.0.0.0:0").unwrap().local_addr().unwrap().port();
    let (sip, page) = (free(), free());
    // TEST-NET-2, RFC 5737. Sound on ports that no other test has, since it is on every address.
    let text = configuration(net, &net.trunk().to_string())
        .replace(&net.sip().to_string(), &format!("198.51.100.7:{sip}"))
        .replace(&net.page().to_string(), &format!("198.51.100.7:{page}"))
        .replace("[media]\n", "[media]\nrtp_ports = 26000\n");
    let company = Far::company(net, company_talks());
    let running = Running::with(net, &folder, &folder.0, &text);
    let log = running.says("the page is not at");
    assert!(log.contains(&format!("SIP is not taken at 198.51.100.7:{sip}")), "{log}");
    assert!(log.contains("198.51.100.7 is not an address of this machine"), "{log}");
    company.wait(0, "the box registers", |fact| *fact == Fact::Registered);
    TcpStream::connect(("127.0.0.1", page)).unwrap();
}

#[test]
fn a_second_start_is_told_that_the_box_runs() {
    let net = Net::new();
    let folder = Folder::new(net);
    let running = Running::start(net, &folder);
    let (code, words) = Running::refuses(&folder, &configuration(net, &net.trunk().to_string()));
    assert!(code == 1 && words.contains("the box is running already with"), "{words}");
    drop(running);
}

#[test]
fn a_page_whose_port_somebody_has_is_at_another_and_the_box_calls() {
    let net = Net::new();
    let folder = Folder::new(net);
    let _taken = TcpListener::bind(net.page()).unwrap();
    let running = Running::start(net, &folder);
    let log = running.says("port 8080 is taken by another program");
    let (_, at) = log.split_once("as web.listen says, but at ").unwrap();
    let at: SocketAddr = at.split_once(": ").unwrap().0.parse().unwrap();
    assert_eq!(at.ip(), net.host(1));
    TcpStream::connect(at).unwrap();
    let house = House::around(net, folder, running);
    house.running.signal(Signal::SIGTERM);
    let (status, _) = house.running.ends();
    assert_eq!(status.code(), Some(0));
}

#[test]
fn a_start_that_failed_does_not_keep_the_password_to_itself() {
    let net = Net::new();
    let folder = Folder::new(net);
    let taken = UdpSocket::bind(net.sip()).unwrap();
    let (code, _) = Running::refuses(&folder, &configuration(net, &net.trunk().to_string()));
    assert_eq!(code, 1);
    drop(taken);
    let running = Running::start(net, &folder);
    running.log_in(&running.password());
}
