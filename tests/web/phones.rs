//! Pairing on the page and over the interface, and the files that adapters fetch.

use crate::server::Server;

const MAC: &str = "c0:74:ad:12:34:56";
const FILE: &str = "/cfgc074ad123456.xml";

fn form(token: &str, name: &str, device: &str, more: &str) -> String {
    format!("csrf={token}&name={name}&device={device}{more}")
}

/// As an adapter asks: no cookie.
fn fetch(server: &Server, path: &str) -> crate::server::Reply {
    server.raw(format!("GET {path} HTTP/1.1\r\nHost: {}\r\n\r\n", server.addr()))
}

#[test]
fn an_adapter_gets_its_file_only_while_it_is_being_paired_and_the_password_is_shown_once() {
    let server = Server::new();
    let (cookie, token) = server.log_in();
    let unknown = fetch(&server, "/no-such-page.xml");
    let before = fetch(&server, FILE);
    assert_eq!((before.status, before.body()), (404, unknown.body()), "nothing is given away");
    let paired = server.post(
        "/phones",
        &cookie,
        "",
        &form(&token, "Hall", "grandstream", &format!("&jack=1&mac={MAC}")),
    );
    assert_eq!(paired.status, 200, "{}", paired.text);
    let codes: Vec<&str> =
        paired.text.split("<code>").skip(1).map(|rest| rest.split('<').next().unwrap()).collect();
    let (user, secret) = (codes[codes.len() - 2], codes[codes.len() - 1]);
    assert!(user.starts_with("hall-") && secret.len() == 19, "{codes:?}");
    assert!(codes.contains(&"192.0.2.20:5062"), "the loopback address leads nowhere: {codes:?}");
    assert!(!server.get("/phones", &cookie).text.contains(secret), "shown once");
    assert_eq!(fetch(&server, "/cfgc074ad999999.xml").status, 404, "another adapter");
    let file = fetch(&server, FILE);
    assert_eq!((file.status, file.field("content-type")), (200, Some("text/xml; charset=utf-8")));
    for parameter in [
        format!("<P35>{user}</P35>"),
        format!("<P34>{secret}</P34>"),
        "<P3>Hall</P3>".to_owned(),
        "<P47>192.0.2.20:5062</P47>".to_owned(),
        "<P4200>{ 911 | *58 ".to_owned(),
    ] {
        assert!(file.body().contains(&parameter), "{parameter}: {}", file.text);
    }
    let page = server.get("/phones", &cookie);
    assert!(
        page.text.contains("its adapter fetched its settings at") && page.text.contains("127.0.0.1"),
        "{}",
        page.text
    );
    // The store has no password, only what it can be checked by.
    let stored = server.store.as_ref().unwrap().phones().unwrap();
    assert_eq!(stored.len(), 1);
    assert_eq!((stored[0].user.as_str(), stored[0].used), (user, false));
    assert_eq!(stored[0].ha1, hold_slayer::sip::auth::ha1(user, "hold-slayer", secret));
    // Fetched often enough, it is no more to be had.
    let more: Vec<u16> = (0..4).map(|_| fetch(&server, FILE).status).collect();
    assert_eq!(more, [200, 200, 200, 404]);
}

#[test]
fn taken_away_a_phone_has_no_file_and_is_forgotten() {
    let server = Server::new();
    let (cookie, token) = server.log_in();
    let more = format!("&mac={MAC}");
    assert_eq!(server.post("/phones", &cookie, "", &form(&token, "Hall", "cisco", &more)).status, 200);
    assert!(fetch(&server, "/spa112.cfg?mac=C074AD123456").body().contains("<User_ID_1_>hall-"));
    let user = server.store.as_ref().unwrap().phones().unwrap()[0].user.clone();
    let away = server.post("/phones/unpair", &cookie, "", &format!("csrf={token}&user={user}"));
    assert_eq!((away.status, away.field("location")), (303, Some("/phones")));
    assert_eq!(fetch(&server, "/spa112.cfg?mac=C074AD123456").status, 404);
    assert_eq!(server.store.as_ref().unwrap().phones().unwrap(), []);
    assert_eq!(server.post("/phones/unpair", &cookie, "", &format!("csrf={token}&user={user}")).status, 404);
}

#[test]
fn two_phones_behind_one_adapter_share_its_file() {
    let server = Server::new();
    let (cookie, token) = server.log_in();
    for (name, jack) in [("Hall", 1), ("Attic", 2)] {
        let body = form(&token, name, "grandstream", &format!("&jack={jack}&mac={MAC}"));
        assert_eq!(server.post("/phones", &cookie, "", &body).status, 200, "{name}");
    }
    let file = fetch(&server, FILE);
    assert!(
        file.body().contains("<P3>Hall</P3>") && file.body().contains("<P703>Attic</P703>"),
        "{}",
        file.text
    );
    let again = server.post(
        "/phones",
        &cookie,
        "",
        &form(&token, "Den", "grandstream", &format!("&jack=2&mac={MAC}")),
    );
    assert_eq!(again.status, 409);
    assert!(again.text.contains("is paired as Attic already"), "{}", again.text);
}

#[test]
fn mistakes_are_said_and_pair_nothing() {
    let server = Server::new();
    let (cookie, token) = server.log_in();
    for (name, device, more, status, words) in [
        ("", "any", "", 400, "Give the phone a name"),
        ("Hall", "toaster", "", 400, "Choose what kind"),
        ("Hall", "grandstream", "&mac=c0:74", 400, "on the adapter&#39;s label"),
        ("Taken", "any", "", 409, "<it> ended"),
    ] {
        let reply = server.post("/phones", &cookie, "", &form(&token, name, device, more));
        assert_eq!(reply.status, status, "{name} {device} {more}");
        let said = reply.text.replace("&lt;", "<").replace("&gt;", ">").replace('\'', "&#39;");
        assert!(said.contains(words), "{words}: {}", reply.text);
        assert_eq!(server.store.as_ref().unwrap().phones().unwrap(), [], "{name} {device}");
    }
    assert_eq!(server.post("/phones", &cookie, "", &form("guessed", "Hall", "any", "")).status, 403);
    assert_eq!(server.post("/phones", "", "", &form(&token, "Hall", "any", "")).status, 303);
    assert_eq!(server.get("/phones", "").status, 303);
    assert_eq!(server.get("/api/v1/phones", "").status, 401);
}

#[test]
fn a_name_writes_no_markup_and_no_parameter() {
    let server = Server::new();
    let (cookie, token) = server.log_in();
    let body = form(&token, "%3Cb%3E%26%3C/P3%3E", "grandstream", &format!("&mac={MAC}"));
    let paired = server.post("/phones", &cookie, "", &body);
    assert_eq!(paired.status, 200);
    assert!(
        paired.text.contains("&lt;b&gt;&amp;&lt;/P3&gt;") && !paired.text.contains("<b>&"),
        "{}",
        paired.text
    );
    assert!(fetch(&server, FILE).body().contains("<P3>&lt;b&gt;&amp;&lt;/P3&gt;</P3>"));
}

#[test]
fn programs_pair_and_take_away_too() {
    let server = Server::new();
    let (cookie, token) = server.log_in();
    let field = format!("X-CSRF-Token: {token}\r\nContent-Type: application/json\r\n");
    let told = server.post("/api/v1/phones", &cookie, &field, r#"{"name":"App","device":"any"}"#).json();
    assert_eq!(
        (&told["server"], &told["file"], &told["lapses_in_s"]),
        (&"192.0.2.20:5062".into(), &serde_json::Value::Null, &900.into())
    );
    let list = server.get("/api/v1/phones", &cookie);
    assert!(
        !list.text.contains(told["secret"].as_str().unwrap()) && !list.text.contains("ha1"),
        "{}",
        list.text
    );
    let user = told["user"].as_str().unwrap();
    let phones =
        |server: &Server| server.get("/api/v1/phones", &cookie).json()["phones"].as_array().unwrap().clone();
    let found = phones(&server);
    let app = found.iter().find(|phone| phone["user"] == user).unwrap();
    assert_eq!(
        (&app["name"], &app["origin"], &app["used"]),
        (&"App".into(), &"paired".into(), &false.into())
    );
    // The box knows it by now, and those of the file, and its own.
    let mut now = crate::server::snapshot(Vec::new());
    now.phones =
        ["App", "hall", "on the box"].map(|name| crate::server::peer(name, true, "registered")).into();
    server.snapshot.send_replace(std::sync::Arc::new(now));
    let all: Vec<_> = phones(&server)
        .iter()
        .map(|phone| format!("{} {} {}", phone["name"], phone["origin"], phone["up"]))
        .collect();
    assert_eq!(all, [r#""App" "paired" true"#, r#""hall" "file" true"#, r#""on the box" "handset" true"#]);
    assert_eq!(
        server.post("/api/v1/phones/unpair", &cookie, &field, &format!(r#"{{"user":"{user}"}}"#)).json()["done"],
        true
    );
    assert!(phones(&server).iter().all(|phone| phone["user"].is_null()), "it is one of the file from now on");
}

#[test]
fn a_paired_phone_is_not_taken_for_one_of_the_file_that_has_its_name() {
    let server = Server::new();
    let (cookie, token) = server.log_in();
    let pair =
        server.post("/phones", &cookie, "", &form(&token, "kitchen", "grandstream", &format!("&mac={MAC}")));
    assert_eq!(pair.status, 200, "{}", pair.text);
    let mut now = crate::server::snapshot(Vec::new());
    now.phones = vec![crate::server::peer("kitchen", true, "registered")];
    server.snapshot.send_replace(std::sync::Arc::new(now));
    let phones = server.get("/api/v1/phones", &cookie).json()["phones"].as_array().unwrap().clone();
    let told = |at: usize| (phones[at]["origin"].as_str().unwrap().to_owned(), phones[at]["mac"].is_null());
    assert_eq!([told(0), told(1)], [("file".to_owned(), true), ("paired".to_owned(), false)], "{phones:?}");
    let page = server.get("/phones", &cookie).text;
    assert!(page.contains("From hold-slayer.toml") && page.contains("adapter c074ad123456"), "{page}");
    assert_eq!(page.matches("Take away kitchen").count(), 1, "{page}");
}
