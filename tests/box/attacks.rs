//! Attacks on the page of the running box, while a call is up. After each the page answers, the call talks on and another
//! one is let in.

use super::far::Net;
use super::running::{House, ask};
use super::stranger::Random;
use core::time::Duration;
use hold_slayer::demo::Fact;
use hold_slayer::demo::company::Step as At;
use hold_slayer::limits::{WEB_BODY_BYTES, WEB_CONNECTIONS, WEB_SPARE_FILES};
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use nix::unistd::Pid;
use std::collections::VecDeque;
use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::Command;
use std::time::Instant;

/// Longer than anything here takes.
const SOON: Duration = Duration::from_secs(60);
/// Threads of a box that is asked much at once: a thread for each connection of a crowd would be more.
const THREADS: usize = 128;
/// Connections that are opened at once, where the system lets this process have so many.
const CROWD: u64 = 10_000;

/// What comes back for these bytes; empty if the connection ended without an answer.
fn raw(to: SocketAddr, bytes: &[u8]) -> String {
    let Ok(mut stream) = TcpStream::connect(to) else { return String::new() };
    stream.set_read_timeout(Some(SOON)).unwrap();
    // The gate may answer and close before all is written.
    let _ = stream.write_all(bytes);
    let mut reply = Vec::new();
    let _ = stream.read_to_end(&mut reply);
    String::from_utf8_lossy(&reply).into_owned()
}

fn status(reply: &str) -> u16 {
    reply.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(0)
}

fn get(net: Net, host: &str, fields: &str) -> u16 {
    status(&raw(net.page(), format!("GET /login HTTP/1.1\r\nHost: {host}\r\n{fields}\r\n").as_bytes()))
}

fn count(pid: Pid, what: &str) -> usize {
    std::fs::read_dir(format!("/proc/{pid}/{what}")).unwrap().count()
}

/// The page is there, the call that is up is heard on both sides, and another one rings the house.
fn stands(house: &mut House, after: &str) {
    let host = house.net.page().to_string();
    assert_eq!(get(house.net, &host, ""), 200, "the page after {after}");
    let rung = house.phone.now();
    house.company.call(vec![At::HangUp]);
    house.phone.wait(rung, after, |fact| matches!(fact, Fact::Called { .. }));
    house.talks_on();
    let threads = count(house.running.pid(), "task");
    assert!(threads < THREADS, "{threads} threads after {after}");
    assert!(house.running.is_up(), "{after}");
}

#[test]
fn requests_that_lie_and_noise_disturb_nothing() {
    let mut house = House::talking();
    let (to, host) = (house.net.page(), house.net.page().to_string());
    let post = |fields: &str, body: &str| {
        status(&raw(to, format!("POST /login HTTP/1.1\r\nHost: {host}\r\n{fields}\r\n{body}").as_bytes()))
    };
    let lies = [
        ("Content-Length: 68719476736\r\n".to_owned(), 413),
        (format!("Content-Length: {}\r\n", usize::MAX), 413),
        ("Content-Length: 340282366920938463463374607431768211456\r\n".into(), 413),
        (format!("Content-Length: {}\r\n", WEB_BODY_BYTES + 1), 413),
        ("Content-Length: -1\r\n".into(), 400),
        ("Content-Length: 1\r\nContent-Length: 10\r\n".into(), 400),
        ("Transfer-Encoding: chunked\r\n".into(), 501),
        ("Content-Length: 5\r\nTransfer-Encoding: xchunked\r\n".into(), 501),
        (format!("X: {}\r\n", "a".repeat(1 << 20)), 431),
        ("A: b\r\n".repeat(500), 431),
    ];
    for (fields, expected) in lies {
        assert_eq!(post(&fields, "x"), expected, "{}", &fields[..fields.len().min(80)]);
    }
    let hidden = format!("GET /login HTTP/1.1\r\nHost: {host}\r\n\r\n");
    let two = raw(
        to,
        format!("POST /login HTTP/1.1\r\nHost: {host}\r\nContent-Length: 0\r\n\r\n{hidden}").as_bytes(),
    );
    assert_eq!(two.matches("HTTP/1.1 ").count(), 1, "{two}");
    stands(&mut house, "lengths and codings that lie");

    // A line break of the request's is none of the answer's head, wherever the box takes a text up again.
    let injected = [
        "GET /login%0d%0aX-Evil:%201 HTTP/1.1\r\nHost: HOST\r\n\r\n".to_owned(),
        "GET /?token=%0d%0aX-Evil:%201 HTTP/1.1\r\nHost: HOST\r\n\r\n".into(),
        "GET /login\rX-Evil: 1 HTTP/1.1\r\nHost: HOST\r\n\r\n".into(),
        "GET /login\nX-Evil: 1\n HTTP/1.1\r\nHost: HOST\r\n\r\n".into(),
        "GET / HTTP/1.1\r\nHost: HOST\r\nCookie: hold-slayer-language=de%0d%0aX-Evil:%201\r\n\r\n".into(),
        "GET / HTTP/1.1\r\nHost: HOST\r\nOrigin: http://HOST\rX-Evil: 1\r\n\r\n".into(),
        "POST /language HTTP/1.1\r\nHost: HOST\r\nReferer: http://HOST/history%0d%0aX-Evil:%201\r\nContent-Length: 11\r\n\r\nlanguage=de".into(),
        "POST /language HTTP/1.1\r\nHost: HOST\r\nReferer: http://HOST/history\rX-Evil: 1\r\nContent-Length: 11\r\n\r\nlanguage=de".into(),
        "POST /language HTTP/1.1\r\nHost: HOST\r\nContent-Length: 28\r\n\r\nlanguage=de%0d%0aX-Evil:%201".into(),
    ];
    for request in injected {
        let reply = raw(to, request.replace("HOST", &host).as_bytes());
        let head = reply.split("\r\n\r\n").next().unwrap().to_ascii_lowercase();
        let lines = head.split(['\r', '\n']);
        assert!(
            status(&reply) != 0 && !lines.into_iter().any(|line| line.starts_with("x-evil")),
            "{request}: {head}"
        );
    }
    stands(&mut house, "line breaks");

    // A line of 64 MB is not waited for, nor kept.
    let rss = || {
        let text = std::fs::read_to_string(format!("/proc/{}/status", house.running.pid())).unwrap();
        let line = text.lines().find(|line| line.starts_with("VmHWM:")).unwrap();
        line.split_whitespace().nth(1).unwrap().parse::<usize>().unwrap()
    };
    let (before, piece) = (rss(), vec![b'a'; 64 * 1024]);
    let mut long = TcpStream::connect(to).unwrap();
    long.set_write_timeout(Some(SOON)).unwrap();
    write!(long, "GET /login HTTP/1.1\r\nHost: {host}\r\nX: ").unwrap();
    let taken = (0..1024).take_while(|_| long.write_all(&piece).is_ok()).count();
    assert!(taken < 1024, "all of it was taken");
    let grown = rss() - before;
    assert!(grown < 16 * 1024, "the box's memory grew by {grown} kB");
    stands(&mut house, "a line without an end");

    let mut random = Random(8);
    let whole =
        format!("POST /login HTTP/1.1\r\nHost: {host}\r\nContent-Length: 8\r\nCookie: a=b\r\n\r\npassword");
    let mut open = VecDeque::new();
    for _ in 0..2_000 {
        let mut bytes = whole.clone().into_bytes();
        for _ in 0..=random.next() % 4 {
            let Some(at) = (random.next() as usize).checked_rem(bytes.len()) else { break };
            match random.next() % 5 {
                0 | 1 => bytes[at] = random.next() as u8,
                2 => drop(bytes.remove(at)),
                3 => bytes.insert(at, random.next() as u8),
                _ => bytes.truncate(at.max(1)),
            }
        }
        if random.next().is_multiple_of(8) {
            bytes = random.bytes(4_000);
        }
        let mut stream = TcpStream::connect(to).unwrap();
        let _ = stream.write_all(&bytes);
        open.push_back(stream);
        if open.len() > 40 {
            open.pop_front();
        }
    }
    drop(open);
    stands(&mut house, "noise");
}

#[test]
fn other_sites_planted_cookies_and_guessed_passwords_get_nowhere() {
    let mut house = House::talking();
    let (net, host) = (house.net, house.net.page().to_string());
    let password = house.running.password();
    for name in ["evil.example", "localhost.evil.example", "192.0.2.1", &format!("{host}.evil.example")] {
        assert_eq!(get(net, name, ""), 421, "DNS rebinding by {name}");
    }
    assert_eq!(
        get(net, &host, "X-Gate: forged 127.0.0.1 127.0.0.1 network\r\n"),
        200,
        "a stamp from outside is nothing"
    );

    let page = house.running.log_in(&password);
    let call = page.get("/api/v1/status")["calls"][0]["id"].to_string();
    let hang_up = format!("/calls/{call}/hangup");
    for fields in
        ["", "Origin: http://evil.example\r\n", "Origin: null\r\n", "Sec-Fetch-Site: cross-site\r\n"]
    {
        let refused = page.forged(&hang_up, fields);
        assert_eq!(status(&refused), 403, "CSRF with {fields:?}: {refused}");
    }
    assert_eq!(page.get("/api/v1/status")["calls"][0]["id"].to_string(), call, "it is still up");

    let port = net.page().port();
    let planted = format!("Cookie: hold-slayer-{port}=00000000000000000000000000000000\r\n");
    let reply = ask(net, "POST", "/login", &planted, &format!("password={password}"));
    assert!(status(&reply) == 303 && !reply.contains("=00000000000000000000000000000000"), "{reply}");
    assert_eq!(status(&ask(net, "GET", "/", &planted, "")), 303, "what was planted opens nothing");

    let stolen = page.forged_get("/", "User-Agent: somebody else\r\n");
    assert_eq!(status(&stolen), 303, "a stolen cookie in another kind of browser: {stolen}");
    let page = house.running.log_in(&password);

    let guess = |word: &str| ask(net, "POST", "/login", "", &format!("password={word}"));
    let (mut wrong, mut turned_away, begun) = (0, 0, Instant::now());
    while wrong < 6 {
        match status(&guess("not-this-one")) {
            403 => wrong += 1,
            other => {
                assert!(other == 429 && wrong >= 3, "{other} after {wrong}");
                turned_away += 1;
            }
        }
        assert!(begun.elapsed() < SOON, "{wrong} guesses");
    }
    // One, two and four seconds of waiting lie between the last of them.
    assert!(begun.elapsed() >= Duration::from_secs(7) && turned_away > 0, "{:?}", begun.elapsed());
    let right = guess(&password);
    assert!(status(&right) == 429 && right.contains("Retry-After: "), "even the right one waits: {right}");
    assert_eq!(
        page.get("/api/v1/status")["calls"][0]["id"].to_string(),
        call,
        "who is logged in does not wait"
    );
    stands(&mut house, "guessing");
}

#[test]
fn who_drips_and_who_comes_in_thousands_leaves_room_for_the_owner() {
    let mut house = House::talking();
    let (net, to) = (house.net, house.net.page());
    let host = to.to_string();
    let drops = format!("GET /login HTTP/1.1\r\nHost: {host}\r\nX-Slow: {}", "a".repeat(4_000));
    let mut drips: Vec<(TcpStream, usize)> = (0..2 * WEB_CONNECTIONS)
        .map(|_| {
            let stream = TcpStream::connect(to).unwrap();
            stream.set_read_timeout(Some(Duration::from_millis(2))).unwrap();
            (stream, 0)
        })
        .collect();
    let begun = Instant::now();
    let mut asked = 0;
    while !drips.is_empty() {
        assert!(begun.elapsed() < SOON, "{} may drip for ever", drips.len());
        drips.retain_mut(|(stream, sent)| {
            let drop = drops.as_bytes().get(*sent..=*sent).unwrap_or_default();
            *sent += 1;
            if stream.write_all(drop).is_err() {
                return false;
            }
            // Waiting for an answer is what makes it slow.
            let read = stream.read(&mut [0; 512]);
            read.is_err_and(|error| matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut))
        });
        asked += usize::from(get(net, &host, "") == 200);
    }
    assert!(asked > 0, "nobody else was served meanwhile");
    stands(&mut house, "a slow loris");

    let (soft, hard) = getrlimit(Resource::RLIMIT_NOFILE).unwrap();
    let _ = setrlimit(Resource::RLIMIT_NOFILE, hard, hard);
    let room = getrlimit(Resource::RLIMIT_NOFILE).map_or(soft, |(soft, _)| soft).saturating_sub(300);
    let each = usize::try_from(CROWD.min(room) / 8).unwrap();
    let crowd: Vec<TcpStream> = std::thread::scope(|scope| {
        let come = |n: usize| {
            let comes = move |k: usize| {
                let mut stream = TcpStream::connect(to).ok()?;
                if (n + k).is_multiple_of(2) {
                    let _ = stream.write_all(b"GET / HTTP/1.1\r\nHost: ");
                }
                Some(stream)
            };
            scope.spawn(move || (0..each).filter_map(comes).collect::<Vec<_>>())
        };
        let threads: Vec<_> = (0..8).map(come).collect();
        threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
    });
    println!("{} connections are open at once", crowd.len());
    assert!(crowd.len() > each * 7, "{} of {}", crowd.len(), each * 8);
    let open = count(house.running.pid(), "fd");
    assert!(open < 4 * WEB_CONNECTIONS, "{open} descriptors of the box");
    stands(&mut house, "a crowd that stays");
    drop(crowd);
    stands(&mut house, "a crowd that has gone");
}

#[test]
fn a_box_without_descriptors_serves_again_when_it_has_some() {
    let mut house = House::talking();
    let (pid, to) = (house.running.pid(), house.net.page());
    let host = to.to_string();
    let limit = |files: &str| {
        let done =
            Command::new("prlimit").args(["--pid", &pid.to_string(), &format!("--nofile={files}:")]).status();
        assert!(done.unwrap().success(), "prlimit, of util-linux");
    };
    let before = std::fs::read_to_string(format!("/proc/{pid}/limits")).unwrap();
    let line = before.lines().find(|line| line.starts_with("Max open files")).unwrap();
    let soft = line.split_whitespace().nth(3).unwrap().to_owned();
    let few = usize::try_from(WEB_SPARE_FILES).unwrap();
    for left in [3, few / 2, few + 2, few + 20] {
        limit(&(count(pid, "fd") + left).to_string());
        let crowd: Vec<TcpStream> = (0..100)
            .map(|_| {
                let mut stream = TcpStream::connect(to).unwrap();
                stream.set_read_timeout(Some(Duration::from_millis(1))).unwrap();
                let _ = write!(stream, "GET /login HTTP/1.1\r\nHost: {host}\r\n\r\n");
                let _ = stream.read(&mut [0; 64]);
                stream
            })
            .collect();
        house.talks_on();
        drop(crowd);
        limit(&soft);
        let begun = Instant::now();
        while get(house.net, &host, "") != 200 {
            assert!(begun.elapsed() < SOON, "the page did not come back after {left} were left");
        }
    }
    stands(&mut house, "a want of descriptors");
}
