//! What the owner sees and does.

use crate::server::{
    PASSWORD, Reply, SOON, Server, TWO_O_CLOCK, config, connect, peer, snapshot, studio, view,
};
use hold_slayer::call::{Phase, Snapshot};
use hold_slayer::store::Store;
use hold_slayer::units::Wall;
use hold_slayer::web::{Config, Elsewhere, Journal, Web, start};
use std::io::{BufRead, BufReader, Write};
use std::sync::Arc;
use tokio::sync::{mpsc, watch};

#[test]
fn nothing_is_shown_without_a_login() {
    let server = Server::new();
    for path in ["/", "/history", "/calls/1"] {
        let reply = server.get(path, "");
        assert_eq!((reply.status, reply.field("location")), (303, Some("/login")), "{path}");
    }
    for path in ["/api/v1/status", "/api/v1/history", "/api/v1/calls/1", "/events", "/live"] {
        assert_eq!(server.get(path, "").status, 401, "{path}");
        assert_eq!(
            server.get(path, &format!("hold-slayer-{}=guessed", server.addr().port())).status,
            401,
            "{path}"
        );
    }
    assert_eq!(server.post("/calls/1/hangup", "", "", "csrf=").status, 303);
    assert_eq!(server.post("/api/v1/hold", "", "", "").status, 401);
    assert!(server.get("/login", "").text.contains("name=\"password\""));
}

#[test]
fn the_password_opens_the_page_and_logging_out_closes_it() {
    let server = Server::new();
    let (cookie, token) = server.log_in();
    assert!(server.get("/", &cookie).text.contains("Not ready yet"));
    assert_eq!(server.get("/login", &cookie).status, 303, "logged in already");
    assert_eq!(server.post("/logout", &cookie, "", &format!("csrf={token}")).status, 303);
    assert_eq!(server.get("/", &cookie).status, 303);
}

#[test]
fn a_cookie_planted_before_the_login_is_worth_nothing() {
    let server = Server::new();
    let planted = format!("hold-slayer-{}=00000000000000000000000000000000", server.addr().port());
    let reply = server.post("/login", &planted, "", &format!("password={PASSWORD}"));
    let given = reply.field("set-cookie").unwrap();
    assert!(!given.starts_with(&planted));
    assert!(given.contains("HttpOnly") && given.contains("SameSite=Strict"), "{given}");
    assert_eq!(server.get("/", &planted).status, 303);
}

#[test]
fn guessing_is_slowed_and_says_for_how_long() {
    let server = Server::new();
    for _ in 0..3 {
        assert_eq!(server.post("/login", "", "", "password=wrong").status, 403);
    }
    let reply = server.post("/login", "", "", &format!("password={PASSWORD}"));
    assert_eq!(reply.status, 429, "even the right one has to wait");
    assert!(reply.field("retry-after").unwrap().parse::<u64>().unwrap() >= 1);
    assert!(reply.text.contains("Try again in"), "{}", reply.text);
}

#[test]
fn a_link_opens_the_page_once() {
    let server = Server::with(Config { one_use_token: Some("abc123".into()), ..config() });
    assert_eq!(server.get("/login?token=wrong", "").status, 403);
    let reply = server.get("/login?token=abc123", "");
    assert_eq!(reply.status, 303);
    let cookie = reply.field("set-cookie").unwrap().split(';').next().unwrap();
    assert_eq!(server.get("/", cookie).status, 200);
    assert_eq!(server.get("/login?token=abc123", "").status, 403, "used");
}

#[test]
fn a_code_claims_the_page_and_the_password_is_kept_as_a_hash() {
    let dir = std::env::temp_dir().join(format!("hold-slayer-web-claimed-{}", std::process::id()));
    let _ = std::fs::remove_dir_all(&dir);
    std::fs::create_dir_all(&dir).unwrap();
    let (store, _) = Store::open(&dir).unwrap();
    let begin = || {
        let (_, seen) = watch::channel(Arc::new(Snapshot::default()));
        start(
            Config { password: None, ..config() },
            Some(store.clone()),
            studio(&dir),
            seen,
            mpsc::channel(1).0,
            Journal::default(),
        )
        .unwrap()
    };
    let post = |to: &Web, path: &str, body: &str| {
        let mut stream = connect(to.addr);
        let head = format!(
            "POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        );
        stream.write_all(head.as_bytes()).unwrap();
        Reply::read(stream).status
    };
    let first = begin();
    let early = first.claim_code.clone().unwrap();
    first.stop();
    let second = begin();
    let code = second.claim_code.clone().unwrap();
    assert_eq!(
        post(&second, "/claim", &format!("code={early}&password={PASSWORD}")),
        403,
        "of another start"
    );
    assert_eq!(post(&second, "/login", "password="), 403, "there is none yet");
    assert_eq!(post(&second, "/claim", &format!("code={code}&password=short")), 400);
    let typed = code.to_uppercase().replace('-', "+");
    assert_eq!(post(&second, "/claim", &format!("code={typed}&password={PASSWORD}")), 303, "as people type");
    assert_eq!(post(&second, "/claim", &format!("code={code}&password={PASSWORD}")), 403, "once");
    second.stop();
    let third = begin();
    assert_eq!(third.claim_code, None);
    assert_eq!(post(&third, "/login", &format!("password={PASSWORD}")), 303);
    third.stop();
    assert!(store.stop(SOON));
    let file = std::fs::read(dir.join("hold-slayer.redb")).unwrap();
    assert!(!file.windows(PASSWORD.len()).any(|w| w == PASSWORD.as_bytes()));
    let _ = std::fs::remove_dir_all(&dir);
}

#[test]
fn buttons_need_the_token_of_our_own_form() {
    let server = Server::new();
    let (cookie, token) = server.log_in();
    let port = server.addr().port();
    let with_token = format!("csrf={token}");
    let cases = [
        ("our form", "", with_token.as_str(), 303),
        ("our origin", &format!("Origin: http://127.0.0.1:{port}\r\n"), &with_token, 303),
        ("a script's header", &format!("X-CSRF-Token: {token}\r\n"), "", 303),
        ("no token", "", "", 403),
        ("a wrong token", "", "csrf=0123", 403),
        ("another origin", "Origin: http://evil.example\r\n", &with_token, 403),
        ("another port", "Origin: http://127.0.0.1:1\r\n", &with_token, 403),
        ("a sandbox", "Origin: null\r\n", &with_token, 403),
        ("another site", "Sec-Fetch-Site: cross-site\r\n", &with_token, 403),
    ];
    for (name, fields, body, status) in cases {
        assert_eq!(server.post("/calls/9/hold", &cookie, fields, body).status, status, "{name}");
    }
    assert_eq!(server.get("/calls/9/hold", &cookie).status, 405, "a link does nothing");
    let reply = server.post("/login", "", "Origin: http://evil.example\r\n", &format!("password={PASSWORD}"));
    assert_eq!(reply.status, 403);
}

#[test]
fn a_refusal_is_shown_in_its_own_words() {
    let server = Server::new();
    let (cookie, token) = server.log_in();
    let reply = server.post("/calls/404/hangup", &cookie, "", &format!("csrf={token}"));
    assert_eq!(reply.status, 409);
    assert!(reply.text.contains("No such call is up: &lt;it&gt; ended."), "{}", reply.text);
    let fields = format!("X-CSRF-Token: {token}\r\n");
    let reply = server.post("/api/v1/hold", &cookie, &fields, "");
    assert_eq!(reply.status, 409);
    assert_eq!(reply.field("content-type"), Some("application/problem+json"));
    assert_eq!(reply.json()["detail"], "No such call is up: <it> ended.");
    for act in ["hold", "hangup", "take"] {
        let reply = server.post(&format!("/api/v1/calls/9/{act}"), &cookie, &fields, "");
        assert_eq!((reply.status, reply.json()["done"].as_bool()), (200, Some(true)));
    }
}

#[test]
fn a_box_that_does_not_answer_is_said_to_be_busy_or_stopping() {
    let (_keep, seen) = watch::channel(Arc::new(Snapshot::default()));
    let (requests, asked) = mpsc::channel(1);
    drop(asked);
    let web = start(
        Config { one_use_token: Some("t".into()), ..config() },
        None,
        studio(&std::env::temp_dir()),
        seen,
        requests,
        Journal::default(),
    )
    .unwrap();
    let ask = |text: String| {
        let mut stream = connect(web.addr);
        stream.write_all(text.as_bytes()).unwrap();
        Reply::read(stream)
    };
    let reply = ask("GET /login?token=t HTTP/1.1\r\nHost: localhost\r\n\r\n".into());
    let cookie = reply.field("set-cookie").unwrap().split(';').next().unwrap().to_string();
    let get = |path: &str| ask(format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nCookie: {cookie}\r\n\r\n"));
    let page = get("/").text;
    let token = page.split("name=\"csrf\" value=\"").nth(1).unwrap().split('"').next().unwrap();
    let reply = ask(format!(
        "POST /api/v1/hold HTTP/1.1\r\nHost: localhost\r\nCookie: {cookie}\r\nX-CSRF-Token: {token}\r\nContent-Length: 0\r\n\r\n"
    ));
    assert_eq!(reply.status, 503);
    assert_eq!(reply.json()["detail"], "The box is stopping.");
    let reply = get("/history");
    assert_eq!(reply.status, 503);
    assert!(reply.text.contains("There is no call history"), "without a store");
    assert_eq!(get("/api/v1/calls/1").status, 503);
}

#[test]
fn how_the_sound_fares_is_on_the_page_and_in_numbers_for_a_collector_on_the_box() {
    let server = Server::new();
    let (cookie, _) = server.log_in();
    server.snapshot.send_replace(Arc::new(snapshot(vec![view(9, Phase::Talking, Wall(TWO_O_CLOCK), 14)])));
    let page = server.get("/", &cookie).text;
    for words in ["From the line", "2.0 % lost", "3 ms jitter", "42 ms there and back"] {
        assert!(page.contains(words), "{words} in {page}");
    }
    let numbers = server.get("/metrics", "");
    assert_eq!(numbers.status, 200, "from the box itself, without a password");
    assert_eq!(numbers.field("content-type"), Some("text/plain; version=0.0.4; charset=utf-8"));
    assert!(numbers.body().contains("hold_slayer_stream_round_trip_seconds{side=\"trunk\"} 0.042\n"));
    assert!(!numbers.body().contains("0800"), "no number of anybody");
}

#[test]
fn the_start_page_shows_each_call_and_what_can_be_done() {
    let server = Server::new();
    let (cookie, _) = server.log_in();
    let cases = [
        (Phase::Dialing, "Calling", &["hold", "hangup"][..]),
        (Phase::Incoming, "A call for you", &["hangup"]),
        (Phase::Talking, "You are talking", &["hold", "hangup"]),
        (Phase::Parked, "Parked by your phone", &["hold", "hangup"]),
        (Phase::Confirming, "You can hang up", &["take", "hangup"]),
        (Phase::Holding, "Waiting on hold for you", &["take", "hangup"]),
        (Phase::Greeting, "Someone may be there", &["take", "hangup"]),
        (Phase::Ringing, "A person is there", &["hangup"]),
        (Phase::Assisted, "The assistant talks", &["take", "hangup"]),
    ];
    for (phase, title, acts) in cases {
        let mut now = snapshot(vec![view(9, phase, Wall(TWO_O_CLOCK), 14)]);
        now.calls[0].number = "<script>alert(1)</script>".into();
        now.troubles = vec!["The disk is full.".into()];
        now.trunks.push(peer("spare", false, "wrong password (403)"));
        server.snapshot.send_replace(Arc::new(now));
        let page = server.get("/", &cookie).text;
        assert!(page.contains(title), "{phase:?}: {page}");
        assert!(!page.contains("<script>alert"), "escaped");
        assert!(page.contains("The disk is full.") && page.contains("wrong password (403)"));
        for act in ["hold", "take", "hangup"] {
            let offered = page.contains(&format!("action=\"/calls/9/{act}\""));
            assert_eq!(offered, acts.contains(&act), "{phase:?} {act}");
        }
        assert!(page.len() < 20_000, "{} bytes", page.len());
    }
}

#[test]
fn a_hold_that_ends_soon_may_be_put_off() {
    let server = Server::new();
    let (cookie, _) = server.log_in();
    for (ends_at, offered) in [(Wall(0), true), (Wall(u64::MAX), false)] {
        let mut now = snapshot(vec![view(9, Phase::Holding, Wall(TWO_O_CLOCK), 14)]);
        now.calls[0].ends_at = Some(ends_at);
        server.snapshot.send_replace(Arc::new(now));
        let page = server.get("/", &cookie).text;
        assert_eq!(page.contains("Wait on") && page.contains("/calls/9/hold"), offered, "{page}");
    }
}

#[test]
fn the_history_and_each_call_can_be_read() {
    let server = Server::new();
    let (cookie, _) = server.log_in();
    let page = server.get("/history", &cookie);
    assert_eq!(page.status, 200);
    for id in 1..=9 {
        assert!(page.text.contains(&format!("href=\"/calls/{id}\"")), "{id}");
        assert_eq!(server.get(&format!("/calls/{id}"), &cookie).status, 200);
    }
    let page = server.get("/history?before=3", &cookie).text;
    assert!(page.contains("/calls/2\"") && !page.contains("/calls/3\""));
    let call = server.get("/calls/1", &cookie).text;
    for words in [
        "Hold slain",
        "A person came, and you were connected.",
        "stopped for our greeting and answered it",
        "<svg",
        "Until a person came</dt><dd>13 min",
        "1.23",
    ] {
        assert!(call.contains(words), "{words}: {call}");
    }
    assert!(!call.contains("Call later"), "{call}");
    let lost = server.get("/calls/8", &cookie).text;
    assert!(lost.contains("Call later") && lost.contains("action=\"/planned\""), "{lost}");
    let reply = server.get("/calls/999", &cookie);
    assert_eq!(reply.status, 404);
    assert!(reply.text.contains("There is no call with this number"));
    assert_eq!(server.get("/no/such/page", &cookie).status, 404);
}

#[test]
fn programs_read_the_same_as_json() {
    let server = Server::new();
    let (cookie, _) = server.log_in();
    server.snapshot.send_replace(Arc::new(snapshot(vec![view(9, Phase::Holding, Wall(TWO_O_CLOCK), 14)])));
    let status = server.get("/api/v1/status", &cookie).json();
    assert_eq!(status["calls"][0]["phase"], "holding");
    assert_eq!(status["trunks"][0]["name"], "sipgate");
    let page = server.get("/api/v1/history?limit=2", &cookie).json();
    assert_eq!(
        (&page["calls"][0]["id"], &page["calls"][1]["id"], &page["next"]),
        (&9.into(), &8.into(), &8.into())
    );
    let page = server.get("/api/v1/history?limit=50&before=3", &cookie).json();
    assert_eq!((page["calls"].as_array().unwrap().len(), page["next"].is_null()), (2, true));
    let call = server.get("/api/v1/calls/1", &cookie).json();
    assert_eq!((&call["outcome"], &call["heard"][4]["sound"]), (&"slain".into(), &"music".into()));
    assert_eq!(server.get("/api/v1/calls/77", &cookie).status, 404);
    assert_eq!(
        server.get("/api/v1/nothing", &cookie).field("content-type"),
        Some("application/problem+json")
    );
}

#[test]
fn a_change_is_streamed_at_once() {
    let server = Server::new();
    let (cookie, _) = server.log_in();
    let mut stream = server.connect();
    write!(stream, "GET /events HTTP/1.1\r\nHost: localhost\r\nCookie: {cookie}\r\n\r\n").unwrap();
    let mut lines = BufReader::new(stream).lines().map(Result::unwrap);
    let mut next = || {
        let line = lines.by_ref().find(|line| line.starts_with("data: ")).unwrap();
        serde_json::from_str::<serde_json::Value>(&line[6..]).unwrap()
    };
    assert_eq!(next()["calls"].as_array().unwrap().len(), 0, "the state at the start");
    server.snapshot.send_replace(Arc::new(snapshot(vec![view(9, Phase::Holding, Wall(TWO_O_CLOCK), 14)])));
    assert_eq!(next()["calls"][0]["phase"], "holding");
    server.snapshot.send_replace(Arc::new(snapshot(vec![view(9, Phase::Ringing, Wall(TWO_O_CLOCK), 14)])));
    assert_eq!(next()["calls"][0]["phase"], "ringing");
}

#[test]
fn every_answer_carries_the_safety_headers() {
    let server = Server::new();
    let (cookie, _) = server.log_in();
    for path in [
        "/",
        "/login",
        "/history",
        "/calls/1",
        "/nowhere",
        "/api/v1/status",
        "/assets/page.css",
        "/assets/page.js",
    ] {
        let reply = server.get(path, &cookie);
        let policy = reply.field("content-security-policy").unwrap_or_else(|| panic!("{path}"));
        assert!(policy.contains("default-src 'none'") && !policy.contains("unsafe"), "{policy}");
        assert_eq!(reply.field("x-content-type-options"), Some("nosniff"), "{path}");
        assert_eq!(reply.field("x-frame-options"), Some("DENY"), "{path}");
        assert_eq!(reply.field("referrer-policy"), Some("same-origin"), "{path}");
        for inline in ["<style", " style=", " onclick", "<script>"] {
            assert!(!reply.body().contains(inline), "{path} has {inline}");
        }
    }
    let head = server.raw(format!("HEAD /login HTTP/1.1\r\nHost: {}\r\n\r\n", server.addr()));
    assert_eq!((head.status, head.body()), (200, ""));
}

#[test]
fn a_taken_port_is_stepped_aside_from_and_that_is_said() {
    let server = Server::new();
    let (_, seen) = watch::channel(Arc::new(Snapshot::default()));
    let taken = Config { listen: server.addr(), ..config() };
    for any_port in [false, true] {
        let taken = Config { any_port, ..taken.clone() };
        let studio = studio(&std::env::temp_dir());
        let web = start(taken, None, studio, seen.clone(), mpsc::channel(1).0, Journal::default()).unwrap();
        assert_ne!(web.addr, server.addr());
        let said = format!("but at {}: port {} is taken by another program", web.addr, server.addr().port());
        assert_eq!(
            web.troubles.iter().any(|trouble| trouble.contains(&said)),
            !any_port,
            "{:?}",
            web.troubles
        );
    }
}

#[test]
fn the_privacy_page_says_what_leaves_the_box() {
    let about = |elsewhere| {
        let server = Server::with(Config { elsewhere, ..config() });
        let (cookie, _) = server.log_in();
        server.get("/privacy", &cookie).text
    };
    assert!(about(Elsewhere::default()).contains("it hears by itself and asks nobody"));
    let leaves = vec!["The sound of the line, to nas:8000.".to_owned()];
    let told = about(Elsewhere { leaves, ..Elsewhere::default() });
    assert!(told.contains("to nas:8000.") && !told.contains("asks nobody"));
}

#[test]
fn a_task_for_the_assistant_is_taken_where_it_may_lead_calls() {
    for assists in [false, true] {
        let server =
            Server::with(Config { elsewhere: Elsewhere { assists, ..Elsewhere::default() }, ..config() });
        let (cookie, csrf) = server.log_in();
        let page = server.get("/", &cookie).text;
        assert_eq!(page.contains("name=\"task\"") && page.contains("value=\"ai_assisted\""), assists);
        let place = |task: &str| {
            let form = format!("csrf={csrf}&number=0800+330+1000&mode=ai_assisted&wish=&task={task}");
            server.post("/calls", &cookie, "", &form)
        };
        assert_eq!(place("Ask%20when%0D%0Athey%20open").status, 303);
        let refused = place("");
        assert!(refused.status == 409 && refused.text.contains("ai_assisted needs one"), "{}", refused.text);
    }
}

#[test]
fn what_is_known_of_each_company_is_on_one_page_and_can_be_forgotten() {
    let server = Server::new();
    let (cookie, csrf) = server.log_in();
    let page = server.get("/companies", &cookie).text;
    // Calls 1, 3, 6 and 8 of the made-up ones were held, and each has a number of its own.
    assert_eq!(page.matches("Usual wait").count(), 4, "{page}");
    assert!(page.contains("0800 330 1037") && page.contains("13 min"), "{page}");
    let store = server.store.as_ref().unwrap();
    store.change_lore("+18005550123", |lore| lore.take(&[vec![7; 60]])).unwrap();
    assert!(store.flush(SOON));
    let page = server.get("/companies", &cookie).text;
    assert!(page.contains("Forget the announcements of +18005550123"), "{page}");
    let forget = |company: &str| {
        server.post("/companies/forget", &cookie, "", &format!("csrf={csrf}&company={company}"))
    };
    assert_eq!(forget("nobody").status, 400);
    assert_eq!(forget("%2B18005550123").status, 303);
    assert!(!server.get("/companies", &cookie).text.contains("Forget them"));
}

#[test]
fn a_notification_target_is_tried_out_on_the_page() {
    use std::io::Read;
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let text = format!(
        "[[notify]]\nname = \"my hook\"\nkind = \"webhook\"\nurl = \"http://{}/very-secret\"\n",
        listener.local_addr().unwrap()
    );
    let read = hold_slayer::config::parse(&text, "t.toml", &|_| Err(std::io::ErrorKind::NotFound.into()));
    let notices = hold_slayer::notify::start(read.unwrap().notify).unwrap();
    let elsewhere = Elsewhere { notices, ..Elsewhere::default() };
    let server = Server::with(Config { elsewhere, ..config() });
    let (cookie, token) = server.log_in();
    let shown = server.get("/notifications", &cookie).text;
    assert!(
        shown.contains("my hook") && shown.contains("hold.human_detected") && !shown.contains("very-secret")
    );
    let there = std::thread::spawn(move || {
        for answer in ["200 OK", "403 No"] {
            let mut stream = listener.accept().unwrap().0;
            let _ = stream.read(&mut [0; 4096]);
            write!(stream, "HTTP/1.1 {answer}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n").unwrap();
        }
    });
    let try_out = || server.post("/notifications", &cookie, "", &format!("csrf={token}&test=my+hook"));
    assert!(try_out().text.contains("my hook has taken the test message"));
    let refused = try_out();
    assert!(
        refused.status == 502
            && refused.text.contains("refuses the key")
            && !refused.text.contains("very-secret")
    );
    there.join().unwrap();
    assert_eq!(
        server.post("/notifications", &cookie, "", "test=my+hook").status,
        403,
        "without the form's token"
    );
}
