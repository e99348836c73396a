//! What is secret is written where it belongs, and nowhere else: not on a page, in an answer to a program, in a refusal, nor
//! in the log.

use super::far::Net;
use super::running::{Folder, Page, Running, configuration};
use serde_json::{Value, json};

/// Each secret of the file has this in it, and a number of its own.
const MARK: &str = "MARKED";
/// Every page that a browser can open without knowing more.
const PAGES: [&str; 20] = [
    "/",
    "/live",
    "/history",
    "/flows",
    "/statistics",
    "/phones",
    "/access",
    "/settings",
    "/setup",
    "/setup?preset=telekom",
    "/setup/test?look=99",
    "/privacy",
    "/notifications",
    "/board",
    "/backup",
    "/greeting",
    "/companies",
    "/update",
    "/logs",
    "/metrics",
];

/// Every secret that the file can hold.
fn with_secrets(net: Net) -> String {
    let text = configuration(net, &net.trunk().to_string());
    let own = text.replace(super::far::SECRET, &format!("{MARK}-1"));
    let web = format!("[web]\npassword = \"{MARK}-2\"\n");
    let more = format!(
        "[words]\nurl = \"http://127.0.0.1:9/v1\"\nkey = \"{MARK}-3\"\n\
         [speech]\nurl = \"http://127.0.0.1:9/v1\"\nkey = \"{MARK}-4\"\n\
         [assistant]\nurl = \"http://127.0.0.1:9/v1\"\nmodel = \"m\"\nkey = \"{MARK}-5\"\n\
         [[notify]]\nname = \"hook\"\nkind = \"webhook\"\nurl = \"http://127.0.0.1:9/{MARK}-6\"\nkey = \"{MARK}-7\"\nevents = [\"system\"]\n\
         [[notify]]\nname = \"bus\"\nkind = \"mqtt\"\nserver = \"127.0.0.1:9\"\nuser = \"u\"\nsecret = \"{MARK}-8\"\n"
    );
    own.replace("[web]\n", &web) + &more
}

fn text(page: &Page, path: &str) -> String {
    page.forged_get(path, "")
}

#[test]
fn no_secret_comes_back() {
    let net = Net::new();
    let folder = Folder::new(net);
    let running = Running::with(net, &folder, &folder.0, &with_secrets(net));
    let page = running.log_in(&format!("{MARK}-2"));
    let mut seen: Vec<(String, String)> = Vec::new();
    // Two that are made here: shown once to whoever asked for them, and never again.
    let phone = page.send("/api/v1/phones", &json!({ "name": "Attic", "device": "any" }));
    let phone = phone["secret"].as_str().unwrap().to_owned();
    let made = page.form("/access", "name=lamp&scope=read");
    let token = made.split("code class=\"token\">").nth(1).unwrap().split('<').next().unwrap().to_owned();

    for path in PAGES {
        let reply = text(&page, path);
        assert!(reply.starts_with("HTTP/1.1 200"), "{path}: {reply}");
        seen.push((path.into(), reply));
    }
    let described = page.get("/api/v1/openapi.json");
    for (path, operations) in described["paths"].as_object().unwrap() {
        if operations["get"].is_object() && !path.contains('{') && !path.ends_with("/stream") {
            let path = format!("/api/v1{}", path.trim_start_matches("/api/v1"));
            seen.push((path.clone(), text(&page, &path)));
        }
    }
    assert!(seen.len() > PAGES.len() + 10, "the interface was read, too: {}", seen.len());
    // Refusals: what was sent is secret as well.
    let refused = [
        ("/settings", format!("section=trunk&at=0&set-user=&set-secret={MARK}-9")),
        ("/settings", format!("section=notify&at=0&set-kind=x&set-url=http://{MARK}-9&set-key={MARK}-9")),
        ("/settings", format!("section=web&set-tls=x&set-password={MARK}-9")),
        ("/setup/line", format!("section=trunk&at=0&set-preset=x&set-server=a+b&set-secret={MARK}-9")),
        ("/setup/password", format!("password={MARK}-9")),
        ("/notifications", "test=hook".into()),
        ("/notifications", "test=bus".into()),
    ];
    for (path, body) in refused {
        seen.push((format!("{path} {body}"), page.form(path, &body)));
    }
    let set = |section: &str, at: Option<u8>, values: Value| {
        page.send("/api/v1/settings", &json!({ "section": section, "at": at, "values": values })).to_string()
    };
    seen.push((
        "settings".into(),
        set("trunk", Some(0), json!({ "user": "", "secret": format!("{MARK}-9") })),
    ));
    seen.push((
        "settings".into(),
        set("notify", None, json!({ "url": format!("http://{MARK}-9"), "kind": "x" })),
    ));
    seen.push(("the log".into(), running.says("the box is up")));
    let secrets = [MARK.to_owned(), phone, token];
    for (what, reply) in &seen {
        let what = what.split(&format!("{MARK}-9")).next().unwrap_or_default();
        let found = secrets.iter().find(|secret| reply.contains(secret.as_str()));
        assert!(
            found.is_none(),
            "{what}: {}",
            &reply[reply.find(found.unwrap().as_str()).unwrap().saturating_sub(200)..]
        );
    }
}
