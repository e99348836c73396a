//! The browsers that are logged in: listed, bound to their kind, and logged out from afar.

use crate::server::{PASSWORD, Reply, Server};

const FIREFOX: &str = "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0";
const PHONE: &str = "Mozilla/5.0 (iPhone; CPU iPhone OS 26_0 like Mac OS X) AppleWebKit/605.1.15 Version/26.0 Mobile Safari/604.1";

/// One browser, by what it calls itself.
struct Browser<'s> {
    server: &'s Server,
    agent: &'s str,
    cookie: String,
}

impl<'s> Browser<'s> {
    fn log_in(server: &'s Server, agent: &'s str) -> Self {
        let fields = format!("User-Agent: {agent}\r\n");
        let reply = server.post("/login", "", &fields, &format!("password={PASSWORD}"));
        assert_eq!(reply.status, 303, "{}", reply.text);
        let cookie = reply.field("set-cookie").unwrap().split(';').next().unwrap().to_owned();
        Self { server, agent, cookie }
    }

    fn get_as(&self, agent: &str, path: &str) -> Reply {
        let (host, cookie) = (self.server.addr(), &self.cookie);
        self.server.raw(format!(
            "GET {path} HTTP/1.1\r\nHost: {host}\r\nCookie: {cookie}\r\nUser-Agent: {agent}\r\n\r\n"
        ))
    }

    fn get(&self, path: &str) -> Reply {
        self.get_as(self.agent, path)
    }

    fn is_in(&self) -> bool {
        self.get("/").status == 200
    }

    /// Presses a button of the page of access.
    fn end(&self, id: &str) -> Reply {
        let page = self.get("/access").text;
        let csrf = page.split("name=\"csrf\" value=\"").nth(1).unwrap().split('"').next().unwrap();
        let fields = format!("User-Agent: {}\r\n", self.agent);
        self.server.post("/access/logout", &self.cookie, &fields, &format!("csrf={csrf}&id={id}"))
    }
}

/// The names by which the page can log others out.
fn ids(page: &str) -> Vec<&str> {
    page.split("name=\"id\" value=\"").skip(1).map(|rest| rest.split('"').next().unwrap()).collect()
}

#[test]
fn browsers_are_listed_and_logged_out_one_by_one_or_all() {
    let server = Server::new();
    let mine = Browser::log_in(&server, FIREFOX);
    let other = Browser::log_in(&server, PHONE);
    let page = mine.get("/access").text;
    for words in
        ["Firefox, Linux", "Safari, iPhone", "This one", "from 127.0.0.1, logged in on", "last seen on"]
    {
        assert!(page.contains(words), "{words}: {page}");
    }
    assert!(!page.contains(mine.cookie.split('=').nth(1).unwrap()), "no cookie is shown");
    assert_eq!(mine.end("0123456789abcdef").status, 404);
    let id = ids(&page).into_iter().find(|id| id.len() == 16).unwrap();
    assert_eq!(mine.end(id).field("location"), Some("/access"));
    assert!(mine.is_in() && !other.is_in());
    let others: Vec<_> = [PHONE, "curl/8.14.1", PHONE].map(|agent| Browser::log_in(&server, agent)).into();
    assert_eq!(mine.end("others").status, 303);
    assert!(mine.is_in() && others.iter().all(|other| !other.is_in()));
    let without =
        server.post("/access/logout", &mine.cookie, &format!("User-Agent: {FIREFOX}\r\n"), "id=others");
    assert_eq!(without.status, 403, "our form only");
}

#[test]
fn a_cookie_in_another_kind_of_browser_ends_its_login() {
    let server = Server::new();
    let mine = Browser::log_in(&server, FIREFOX);
    assert_eq!(mine.get_as(&FIREFOX.replace("145", "146"), "/").status, 200, "a browser renews itself");
    assert_eq!(mine.get_as("curl/8.14.1", "/").status, 303);
    assert!(!mine.is_in(), "nor is the one of whom it was stolen logged in any more");
    let odd = Browser::log_in(&server, "caf\u{e9}");
    assert!(odd.is_in(), "a name with odd signs is no name");
}
