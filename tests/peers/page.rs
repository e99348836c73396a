//! The box's page as a browser uses it, and its interface as a program does.

use crate::process::SOON;
use serde_json::Value;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};

/// A browser that is logged in.
pub struct Browser {
    page: SocketAddr,
    cookie: String,
    token: String,
}

impl Browser {
    /// Of whoever knows the password.
    pub fn log_in(page: SocketAddr, password: &str) -> Self {
        let body = format!("password={}", password.replace(' ', "+"));
        let reply = ask(page, "POST", "/login", FORM, &body);
        assert!(reply.starts_with("HTTP/1.1 303"), "{reply}");
        let cookie = reply.lines().find_map(|line| line.strip_prefix("Set-Cookie: ")).expect("a cookie");
        let cookie = format!("Cookie: {}\r\n", cookie.split(';').next().expect("its value"));
        let token = between(&ask(page, "GET", "/", &cookie, ""), "name=\"csrf\" value=\"", "\"");
        Self { page, cookie, token }
    }

    /// A page's text.
    pub fn read(&self, path: &str) -> String {
        ask(self.page, "GET", path, &self.cookie, "")
    }

    /// The address of the first form on a page whose address ends so.
    pub fn form(&self, path: &str, ending: &str) -> Option<String> {
        let text = self.read(path);
        let forms = text.split("action=\"").skip(1).filter_map(|rest| rest.split('"').next());
        forms.filter(|action| action.ends_with(ending)).map(str::to_owned).next()
    }

    /// Sends a form as its button does. The page comes back.
    pub fn submit(&self, action: &str, fields: &str) -> String {
        let body = format!("csrf={}&{fields}", self.token);
        let reply = ask(self.page, "POST", action, &format!("{FORM}{}", self.cookie), &body);
        assert!(reply.starts_with("HTTP/1.1 303") || reply.starts_with("HTTP/1.1 200"), "{reply}");
        reply
    }

    /// The same without what only the page's own forms carry; its status.
    pub fn forge(&self, action: &str, fields: &str) -> String {
        let reply = ask(self.page, "POST", action, &format!("{FORM}{}", self.cookie), fields);
        reply.split(' ').nth(1).expect("a status").to_owned()
    }

    /// A token for a program that may read and place calls.
    pub fn admits_a_program(&self) -> Program {
        let reply = self.submit("/access", "name=test&scope=read&scope=calls");
        Program { page: self.page, token: between(&reply, "<code class=\"token\">", "<") }
    }
}

/// A program with its token.
pub struct Program {
    page: SocketAddr,
    token: String,
}

impl Program {
    /// What the box answers.
    pub fn get(&self, path: &str) -> Value {
        json(&ask(self.page, "GET", path, &self.head(), ""))
    }

    /// Orders something, which must be taken.
    pub fn post(&self, path: &str, body: &Value) -> Value {
        let head = format!("{}Content-Type: application/json\r\n", self.head());
        let reply = ask(self.page, "POST", path, &head, &body.to_string());
        assert!(reply.starts_with("HTTP/1.1 20"), "{reply}");
        json(&reply)
    }

    fn head(&self) -> String {
        format!("Authorization: Bearer {}\r\n", self.token)
    }
}

const FORM: &str = "Content-Type: application/x-www-form-urlencoded\r\n";

fn between(text: &str, before: &str, after: &str) -> String {
    let rest = text.split(before).nth(1).unwrap_or_else(|| panic!("no {before} in {text}"));
    rest.split(after).next().unwrap_or_default().to_owned()
}

fn json(reply: &str) -> Value {
    let body = reply.split_once("\r\n\r\n").map_or("", |(_, body)| body);
    serde_json::from_str(body).unwrap_or_else(|error| panic!("{error}: {reply}"))
}

fn ask(page: SocketAddr, method: &str, path: &str, fields: &str, body: &str) -> String {
    let mut stream = TcpStream::connect(page).unwrap();
    stream.set_read_timeout(Some(SOON)).unwrap();
    let head = format!(
        "{method} {path} HTTP/1.1\r\nHost: {page}\r\nConnection: close\r\n{fields}Content-Length: {}\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(head.as_bytes()).unwrap();
    let mut reply = String::new();
    stream.read_to_string(&mut reply).unwrap();
    reply
}
