//! Ports that somebody else has.

use super::far::Net;
use super::running::{Folder, House, Running, configuration};
use nix::sys::signal::Signal;
use std::net::{SocketAddr, TcpListener, UdpSocket};

#[test]
fn a_port_in_use_is_named_with_the_key_that_chooses_another() {
    for (port, key) in [(5060, "[sip] listen"), (16_006, "[media] rtp_ports")] {
        let net = Net::new();
        let folder = Folder::new(net);
        let _taken = UdpSocket::bind(SocketAddr::new(net.host(1), port)).unwrap();
        let company = UdpSocket::bind(net.trunk()).unwrap();
        company.set_nonblocking(true).unwrap();
        let (code, words) = Running::refuses(&folder, &configuration(net, &net.trunk().to_string()));
        assert_eq!(code, 1, "{words}");
        let last = words.lines().last().unwrap();
        assert!(last.contains(&port.to_string()) && last.contains(key), "{words}");
        let sent = company.recv_from(&mut [0; 2048]);
        assert!(sent.is_err(), "a box that does not come up does not register");
    }
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
fn without_its_page_the_box_calls_and_says_so() {
    let net = Net::new();
    let folder = Folder::new(net);
    let _taken = TcpListener::bind(net.page()).unwrap();
    let running = Running::start(net, &folder);
    let log = running.says("web.listen");
    assert!(log.contains("the page cannot be served: port 8080 is taken"), "{log}");
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
