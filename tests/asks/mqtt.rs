//! MQTT, to a stand-in of a broker with the same codec; and to mosquitto, where it is installed.

use super::notify::{LONG, happened, person, targets, until};
use bytes::BytesMut;
use hold_slayer::call::Event;
use hold_slayer::notify::{Notices, start};
use rumqttc::mqttbytes::v4::{ConnAck, Connect, ConnectReturnCode, Packet, PubAck, Publish};
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::{Command, Stdio};
use std::sync::mpsc::{Receiver, channel};

enum Told {
    Connected(Connect),
    Published(Publish),
}

/// A broker that ends the first `ends` connections after the hello.
fn broker(code: ConnectReturnCode, ends: usize) -> (SocketAddr, Receiver<Told>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let addr = listener.local_addr().unwrap();
    let (tell, told) = channel();
    std::thread::spawn(move || {
        for (number, stream) in listener.incoming().enumerate() {
            let Ok(mut stream) = stream else { return };
            let mut bytes = BytesMut::new();
            while let Some(packet) = read(&mut stream, &mut bytes) {
                let mut reply = BytesMut::new();
                match packet {
                    Packet::Connect(connect) => {
                        let _ = tell.send(Told::Connected(connect));
                        if number < ends {
                            break;
                        }
                        Packet::ConnAck(ConnAck::new(code, false)).write(&mut reply, 100).unwrap();
                    }
                    Packet::Publish(publish) => {
                        Packet::PubAck(PubAck::new(publish.pkid)).write(&mut reply, 100).unwrap();
                        let _ = tell.send(Told::Published(publish));
                    }
                    _ => {}
                }
                let _ = stream.write_all(&reply);
            }
        }
    });
    (addr, told)
}

fn read(stream: &mut TcpStream, bytes: &mut BytesMut) -> Option<Packet> {
    let mut part = [0; 1024];
    loop {
        if let Ok(packet) = Packet::read(bytes, 100_000) {
            return Some(packet);
        }
        match stream.read(&mut part) {
            Ok(n @ 1..) => bytes.extend_from_slice(&part[..n]),
            _ => return None,
        }
    }
}

fn notices(addr: SocketAddr, more: &str) -> Notices {
    let text = format!("[[notify]]\nname = \"house\"\nkind = \"mqtt\"\nserver = \"{addr}\"\n{more}");
    start(targets(&text)).unwrap()
}

fn next(told: &Receiver<Told>) -> Publish {
    loop {
        if let Told::Published(publish) = told.recv_timeout(LONG).expect("nothing was published") {
            return publish;
        }
    }
}

fn find(told: &Receiver<Told>, topic: &str, text: &str) -> Publish {
    loop {
        let publish = next(told);
        if publish.topic == topic && String::from_utf8_lossy(&publish.payload).contains(text) {
            return publish;
        }
    }
}

#[test]
fn home_assistant_finds_the_sensors_and_they_follow_the_call() {
    let (addr, told) = broker(ConnectReturnCode::Success, 0);
    let notices =
        notices(addr, "user = \"box\"\nsecret = \"pa55\"\ntopic = \"home/phone\"\nevents = [\"hold\"]\n");
    let Told::Connected(hello) = told.recv_timeout(LONG).unwrap() else { panic!("no hello") };
    let (login, will) = (hello.login.unwrap(), hello.last_will.unwrap());
    assert_eq!((login.username.as_str(), login.password.as_str()), ("box", "pa55"));
    assert_eq!(
        (will.topic.as_str(), &will.message[..], will.retain),
        ("home/phone/status", &b"offline"[..], true)
    );
    for (kind, key) in [("sensor", "line"), ("binary_sensor", "person"), ("binary_sensor", "hold")] {
        let sensor = find(&told, &format!("homeassistant/{kind}/home_phone/{key}/config"), "unique_id");
        let what: serde_json::Value = serde_json::from_slice(&sensor.payload).unwrap();
        assert_eq!((&what["state_topic"], sensor.retain), (&"home/phone/state".into(), true));
        assert_eq!(what["value_template"], format!("{{{{ value_json.{key} }}}}"));
    }
    assert!(find(&told, "home/phone/status", "online").retain);
    assert!(find(&told, "home/phone/state", "\"line\":\"idle\"").retain);
    person(&notices);
    let event = find(&told, "home/phone/event", "hold.human_detected");
    assert!(!event.retain && !String::from_utf8_lossy(&event.payload).contains("18005550123"));
    notices.tell(&happened(Event::TransferComplete));
    find(&told, "home/phone/state", "\"line\":\"talking\"");
}

#[test]
fn a_broker_that_goes_away_is_found_again_and_told_everything_anew() {
    let (addr, told) = broker(ConnectReturnCode::Success, 1);
    let notices = notices(addr, "");
    assert!(matches!(told.recv_timeout(LONG).unwrap(), Told::Connected(_)));
    until("trouble", || notices.troubles().join("").contains("not told at house"));
    find(&told, "hold-slayer/status", "online");
    find(&told, "hold-slayer/state", "idle");
    until("it is over", || notices.troubles().is_empty());
}

#[test]
fn a_wrong_password_and_a_server_of_another_kind_are_told_in_plain_words() {
    let (addr, _told) = broker(ConnectReturnCode::BadUserNamePassword, 0);
    let failure = notices(addr, "user = \"box\"\nsecret = \"pa55\"\n").try_out("house").unwrap_err();
    assert!(failure.contains("refuses user or password") && !failure.contains("pa55"), "{failure}");
    let web = super::stand_in::answers(&[super::stand_in::Say::Silence]);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let odd = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        listener.incoming().flatten().for_each(|mut stream| drop(stream.write_all(b"SSH-2.0-OpenSSH\r\n")))
    });
    drop(web);
    let failure = notices(odd, "").try_out("house").unwrap_err();
    assert!(failure.contains("127.0.0.1"), "{failure}");
}

#[test]
fn mosquitto_takes_it_all() {
    let Ok(output) = Command::new("mosquitto").arg("-h").output() else {
        eprintln!("SKIPPED: there is no mosquitto here: Debian has it as mosquitto");
        return;
    };
    assert!(String::from_utf8_lossy(&output.stdout).contains("mosquitto version"));
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let file = std::env::temp_dir().join(format!("hold-slayer-mosquitto-{}.conf", std::process::id()));
    std::fs::write(&file, format!("listener {port} 127.0.0.1\nallow_anonymous true\n")).unwrap();
    let mut mosquitto = Command::new("mosquitto").arg("-c").arg(&file).stderr(Stdio::null()).spawn().unwrap();
    let addr = SocketAddr::from(([127, 0, 0, 1], port));
    until("mosquitto is up", || TcpStream::connect(addr).is_ok());
    let notices = notices(addr, "");
    until("the test message is taken", || notices.try_out("house").is_ok());
    person(&notices);
    until("nothing is wrong", || notices.troubles().is_empty());
    let _ = mosquitto.kill();
    let _ = mosquitto.wait();
    let _ = std::fs::remove_file(&file);
}
