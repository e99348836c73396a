//! E-mail, to a stand-in that speaks SMTP: in the clear, after STARTTLS and over TLS.

use super::notify::{person, targets};
use hold_slayer::net::tls;
use hold_slayer::notify::{Notices, start};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::sync::mpsc::{Receiver, channel};
use tokio_rustls::rustls::{ServerConnection, StreamOwned};

#[derive(Clone, Copy, PartialEq)]
enum Manner {
    Clear,
    StartTls,
    Tls,
    /// Knows no STARTTLS.
    Old,
    /// Refuses every password.
    Refuses,
}

trait Both: Read + Write {}
impl<T: Read + Write> Both for T {}

/// A server; what each client said to it, line by line.
fn server(manner: Manner) -> (SocketAddr, Receiver<Vec<String>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let addr = listener.local_addr().unwrap();
    let (tell, told) = channel();
    let file = |name: &str| Path::new("tests/net/tls").join(name);
    let acceptor = tls::acceptor(&file("box.pem"), &file("box.key")).unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(tcp) = stream else { return };
            let secure = |tcp| -> Box<dyn Both> {
                Box::new(StreamOwned::new(ServerConnection::new(acceptor.config().clone()).unwrap(), tcp))
            };
            let raw = tcp.try_clone().unwrap();
            let first: Box<dyn Both> = if manner == Manner::Tls { secure(tcp) } else { Box::new(tcp) };
            let mut stream = BufReader::new(first);
            let mut lines = Vec::new();
            let mut data = false;
            let _ = stream.get_mut().write_all(b"220 mail\r\n");
            loop {
                let mut line = String::new();
                if stream.read_line(&mut line).unwrap_or(0) == 0 {
                    break;
                }
                let line = line.trim_end().to_owned();
                let word = line.split(' ').next().unwrap_or("").to_uppercase();
                let reply: &[u8] = match (data, word.as_str()) {
                    (true, ".") => b"250 taken\r\n",
                    (true, _) => b"",
                    (_, "EHLO")
                        if matches!(manner, Manner::StartTls) && !lines.contains(&"STARTTLS".to_owned()) =>
                    {
                        b"250-mail\r\n250 STARTTLS\r\n"
                    }
                    (_, "EHLO") => b"250-mail\r\n250 AUTH PLAIN\r\n",
                    (_, "STARTTLS") => b"220 go\r\n",
                    (_, "AUTH") if manner == Manner::Refuses => b"535 no\r\n",
                    (_, "AUTH") => b"235 yes\r\n",
                    (_, "DATA") => b"354 go\r\n",
                    (_, "QUIT") => b"221 bye\r\n",
                    _ => b"250 ok\r\n",
                };
                data = word == "DATA" || data && word != ".";
                let _ = stream.get_mut().write_all(reply).and_then(|()| stream.get_mut().flush());
                if word == "STARTTLS" {
                    stream = BufReader::new(secure(raw.try_clone().unwrap()));
                }
                lines.push(line);
            }
            if tell.send(lines).is_err() {
                return;
            }
        }
    });
    (addr, told)
}

fn notices(addr: SocketAddr, more: &str) -> Notices {
    let root = std::fs::canonicalize("tests/net/tls/root.pem").unwrap();
    let text = format!(
        "[[notify]]\nname = \"post\"\nkind = \"mail\"\nserver = \"{addr}\"\nfrom = \"box@example.org\"\n\
         to = \"Smith <you@example.org>\"\nca = \"{}\"\n{more}",
        root.display()
    );
    start(targets(&text)).unwrap()
}

const LOGIN: &str = "user = \"smith\"\nsecret = \"pa55\"\n";

#[test]
fn a_letter_arrives_in_each_manner_and_a_password_only_under_encryption() {
    let cases = [
        (Manner::Clear, "security = \"none\"\n".to_owned()),
        (Manner::StartTls, LOGIN.to_owned()),
        (Manner::Tls, format!("security = \"tls\"\n{LOGIN}")),
    ];
    for (manner, more) in cases {
        let (addr, told) = server(manner);
        let notices = notices(addr, &more);
        person(&notices);
        let lines = told.recv_timeout(super::notify::LONG).unwrap();
        let has = |text: &str| lines.iter().any(|line| line.contains(text));
        assert!(
            has("RCPT TO:<you@example.org>") && has("Subject: Hold Slayer: A person is there"),
            "{lines:?}"
        );
        assert!(has("A person is there: your phone rings.") && !has("18005550123"), "{lines:?}");
        assert_eq!(has("AUTH PLAIN"), manner != Manner::Clear, "{lines:?}");
        if manner == Manner::StartTls {
            let at = |text: &str| lines.iter().position(|line| line.starts_with(text)).unwrap();
            assert!(at("STARTTLS") < at("AUTH"));
        }
        notices.try_out("post").unwrap();
    }
}

#[test]
fn without_encryption_or_with_a_wrong_password_nothing_is_sent_and_it_is_told() {
    let (addr, told) = server(Manner::Old);
    let failure = notices(addr, LOGIN).try_out("post").unwrap_err();
    assert!(failure.contains("127.0.0.1"), "{failure}");
    assert!(!told.recv_timeout(super::notify::LONG).unwrap().iter().any(|line| line.starts_with("AUTH")));
    let (addr, _told) = server(Manner::Refuses);
    let text = format!(
        "[[notify]]\nname = \"post\"\nkind = \"mail\"\nserver = \"{addr}\"\nsecurity = \"none\"\nsecret = \"pa55\"\nuser = \"x\"\n\
                        from = \"a@b.example\"\nto = \"a@b.example\"\n"
    );
    let refused = hold_slayer::config::parse(&text, "t.toml", &|_| Err(std::io::ErrorKind::NotFound.into()));
    let told = refused.err().unwrap().to_string();
    assert!(told.contains("everybody on the way could read it") && !told.contains("pa55"), "{told}");
}
