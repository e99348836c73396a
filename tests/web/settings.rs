//! Settings, set-up and privacy: the file changed in place, and what the owner has said to be done.

use crate::server::{Server, TOKEN, config};
use hold_slayer::call::Snapshot;
use hold_slayer::web::Config;
use std::path::PathBuf;

const TEXT: &str = "# mine\n[line]\ncountry = \"us\" # here\n\n[[trunk]]\nname = \"home\"\nserver = \"sip.example.net\"\nuser = \"u\"\nsecret = \"very secret\"\n";

/// A server with a configuration of its own, which goes with the folder of temporary files.
fn with_file(name: &str) -> (Server, PathBuf) {
    let file = std::env::temp_dir().join(format!("hold-slayer-settings-{name}-{}.toml", std::process::id()));
    std::fs::write(&file, TEXT).unwrap();
    (Server::with(Config { file: Some(file.clone()), password: None, ..config() }), file)
}

#[test]
fn after_a_start_anew_one_is_where_it_was_asked_for_also_if_the_page_has_moved() {
    let (server, file) = with_file("moved");
    let (cookie, csrf) = server.let_in();
    let post = |path: &str, body: &str| server.post(path, &cookie, "", &format!("csrf={csrf}&{body}"));
    assert_eq!(post("/settings", "section=web&set-listen=127.0.0.1:18097&set-tls=self-signed").status, 303);
    let there = "https://127.0.0.1:18097/settings";
    let told = post("/restart", "from=/settings");
    assert!(told.status == 200 && told.text.contains(&format!("href=\"{there}\"")), "{}", told.text);
    assert_eq!(told.field("refresh"), Some(format!("4; url={there}").as_str()));
    assert_eq!(
        post("/restart", "from=//elsewhere").field("refresh"),
        Some("4; url=https://127.0.0.1:18097/")
    );
    std::fs::remove_file(file).unwrap();
}

#[test]
fn a_setting_is_changed_with_its_comments_kept_and_a_mistake_changes_nothing() {
    let (server, file) = with_file("change");
    let (cookie, csrf) = server.let_in();
    let page = server.get("/settings", &cookie);
    assert!(page.status == 200 && page.text.contains("sip.example.net"), "{}", page.text);
    assert!(!page.text.contains("very secret"), "no secret is shown");
    let change = |body: &str| server.post("/settings", &cookie, "", &format!("csrf={csrf}&{body}"));
    let saved = change("section=line&set-country=de&set-private=true");
    assert_eq!((saved.status, saved.field("location")), (303, Some("/settings")), "{}", saved.text);
    let text = std::fs::read_to_string(&file).unwrap();
    assert!(text.starts_with("# mine\n[line]\ncountry = \"de\" # here\nprivate = true\n"), "{text}");
    assert!(server.get("/settings", &cookie).text.contains("take effect when the box starts anew"));
    // What a start would refuse is refused here, in the same words.
    let wrong = change("section=hold&set-cap=tomorrow");
    assert!(wrong.status == 400 && wrong.text.contains("Nothing was changed."), "{}", wrong.text);
    let wrong = change("section=trunk&set-name=second");
    assert!(wrong.status == 400 && wrong.text.contains("server"), "{}", wrong.text);
    // What is named must be there.
    for named in [
        "section=words&set-model=/no/such/folder",
        "section=trunk&at=0&set-ca=/no/such.pem&set-transport=tls",
        "section=board&set-file=none.toml",
    ] {
        let wrong = change(named);
        assert!(
            wrong.status == 400 && wrong.text.contains("Nothing was changed."),
            "{named}: {}",
            wrong.text
        );
    }
    assert_eq!(std::fs::read_to_string(&file).unwrap(), text);
    assert_eq!(change("section=trunk&at=0&set-secret=&set-user=v").status, 303);
    let text = std::fs::read_to_string(&file).unwrap();
    assert!(text.contains("secret = \"very secret\"") && text.contains("user = \"v\""), "{text}");
    // A secret goes by its tick box alone, where one need not be.
    assert_eq!(
        change("section=assistant&set-url=http%3A%2F%2Fnas%3A1%2Fv1&set-model=m&set-key=k3y").status,
        303
    );
    let ticked = "section=assistant&set-url=http%3A%2F%2Fnas%3A1%2Fv1&set-model=m&set-key=&drop-key=1";
    assert!(server.get("/settings", &cookie).text.contains("name=\"drop-key\""));
    assert_eq!(change(ticked).status, 303);
    let text = std::fs::read_to_string(&file).unwrap();
    assert!(text.contains("model = \"m\"") && !text.contains("k3y"), "{text}");
    assert_eq!(change("section=trunk&at=0&set-secret=&drop-secret=1").status, 400, "a line needs its own");
    let both = "section=assistant&set-url=http%3A%2F%2Fnas%3A1%2Fv1&set-model=m&set-key=another&drop-key=1";
    assert_eq!(change(both).status, 303);
    assert!(
        std::fs::read_to_string(&file).unwrap().contains("another"),
        "what is typed goes before the tick"
    );
    assert_eq!(change("section=trunk&at=0&act=remove").status, 303);
    assert!(!std::fs::read_to_string(&file).unwrap().contains("very secret"));
    assert_eq!(
        server.post("/settings", &cookie, "", "section=line&set-country=fr").status,
        403,
        "our form only"
    );
    std::fs::remove_file(file).unwrap();
}

#[test]
fn programs_change_settings_by_their_scope() {
    let (server, file) = with_file("program");
    let shown = server.ask("/api/v1/settings").json();
    assert_eq!(
        (&shown["sections"]["line"]["country"], &shown["restart_needed"]),
        (&"us".into(), &false.into())
    );
    assert!(!shown.to_string().contains("very secret"));
    let set = server.order("/api/v1/settings", TOKEN, r#"{"section":"hold","values":{"calls":"2"}}"#);
    assert_eq!(set.status, 200, "{}", set.text);
    let order = |body: &str| server.order("/api/v1/settings", TOKEN, body).status;
    assert_eq!(order(r#"{"section":"trunk","at":0,"values":{"auth_user":"x"}}"#), 200);
    assert_eq!(order(r#"{"section":"trunk","at":0,"values":{"auth_user":null}}"#), 200);
    assert!(!std::fs::read_to_string(&file).unwrap().contains("auth_user"));
    assert_eq!(order(r#"{"section":"trunk","at":0,"values":{"user":"x"},"remove":true}"#), 409);
    assert_eq!(order(r#"{"section":"trunk","at":0}"#), 409, "nothing is asked for");
    assert_eq!(order(r#"{"section":"trunk","at":0,"remove":true}"#), 200);
    assert!(!std::fs::read_to_string(&file).unwrap().contains("[[trunk]]"));
    let bad = server.order("/api/v1/settings", TOKEN, r#"{"section":"hold","values":{"calls":"9"}}"#);
    assert!(bad.status == 400 && bad.text.contains("calls"), "{}", bad.text);
    let shown = server.ask("/api/v1/settings").json();
    assert_eq!((&shown["sections"]["hold"]["calls"], &shown["restart_needed"]), (&2.into(), &true.into()));
    assert_eq!(server.order("/api/v1/restart", TOKEN, "").status, 200);
    std::fs::remove_file(file).unwrap();
}

#[test]
fn what_was_typed_into_a_form_that_is_refused_is_not_lost_but_for_secrets() {
    let (server, file) = with_file("typed");
    let (cookie, csrf) = server.let_in();
    let say = |path: &str, body: &str| {
        let page = server.post(path, &cookie, "", &format!("csrf={csrf}&{body}"));
        assert!(page.status >= 400, "{path} {body}: {}", page.status);
        page.text
    };
    let page = say("/settings", "section=hold&set-cap=tomorrow&set-calls=2&set-call_back=true");
    assert!(page.contains("name=\"set-cap\" value=\"tomorrow\""), "{page}");
    let open = page.split("<details open>").nth(1).unwrap_or_else(|| panic!("it is shown: {page}"));
    assert!(open.contains("tomorrow") && page.matches("<details open>").count() == 1, "{page}");
    let page =
        say("/settings", "section=trunk&at=0&set-name=work&set-user=me&set-transport=x&set-secret=hush-hush");
    assert!(page.contains("value=\"work\"") && !page.contains("hush-hush"), "{page}");
    let page = say("/settings", "section=trunk&set-name=third");
    assert!(page.contains("id=\"trunk-new-name\" type=\"text\" name=\"set-name\" value=\"third\""), "{page}");
    let page = say("/calls", "number=12x4&wish=my+bill&mode=hold_slayer");
    assert!(page.contains("value=\"12x4\"") && page.contains("value=\"my bill\""), "{page}");
    let page = say("/phones", "name=Kitchen&device=cisco&jack=2&mac=12");
    for kept in ["value=\"Kitchen\"", "value=\"cisco\" selected", "value=\"2\" selected", "value=\"12\""] {
        assert!(page.contains(kept), "{kept}: {page}");
    }
    let page = say("/access", "name=lamp+controller+with+a+name+that+is+far+too+long&scope=calls");
    assert!(
        page.contains("value=\"lamp controller with") && page.contains("value=\"calls\" checked"),
        "{page}"
    );
    assert!(!page.contains("value=\"read\" checked"), "{page}");
    std::fs::remove_file(file).unwrap();
}

#[test]
fn the_set_up_can_be_left_and_resumed() {
    let (server, file) = with_file("setup");
    let (cookie, csrf) = server.let_in();
    let say = |path: &str, body: &str| server.post(path, &cookie, "", &format!("csrf={csrf}&{body}"));
    let done = || server.get("/setup", &cookie).text.matches(">Done<").count();
    let before = done();
    assert!(server.get("/", &cookie).text.contains("not set up yet"));
    let saved = say("/setup/line", "section=line&set-country=de");
    assert!(
        saved.status == 200 && saved.field("refresh").is_some_and(|to| to.contains("/setup")),
        "{}",
        saved.text
    );
    let trunk = "section=trunk&at=0&set-name=home&set-preset=sipgate&set-server=&set-user=1234&set-secret=";
    assert_eq!(say("/setup/line", trunk).status, 200);
    let text = std::fs::read_to_string(&file).unwrap();
    assert!(
        text.contains("preset = \"sipgate\"")
            && text.contains("very secret")
            && !text.contains("sip.example"),
        "{text}"
    );
    assert_eq!(say("/setup/line", "section=web&set-password=12345678").status, 404, "these steps only");
    assert_eq!(say("/setup/told", "told=a").status, 303);
    assert_eq!(say("/setup/password", "password=short").status, 400);
    assert_eq!(say("/setup/password", "password=long+enough+now").status, 303);
    assert_eq!(done(), before + 1, "the address");
    // A line and a phone are not all: the start page leads on, and a phone that is paired on the way leads back.
    let mut now = crate::server::snapshot(Vec::new());
    now.phones = vec![crate::server::peer("hall", false, "not registered yet")];
    server.snapshot.send_replace(std::sync::Arc::new(now));
    let home = server.get("/", &cookie).text;
    assert!(home.contains("The set-up is not finished") && !home.contains("not set up yet"), "{home}");
    let paired = server.post("/phones", &cookie, "", &format!("csrf={csrf}&name=Attic&device=any"));
    assert!(paired.status == 200 && paired.text.contains("Back to the set-up"), "{}", paired.text);
    let login = |password: &str| server.post("/login", "", "", &format!("password={password}")).status;
    assert_eq!((login("long+enough+now"), login("correct-horse")), (303, 403));
    assert_eq!(say("/setup/told", "told=d").status, 303);
    let home = server.get("/", &cookie).text;
    assert!(!home.contains("not set up yet") && !home.contains("The set-up is not"), "{home}");
    std::fs::remove_file(file).unwrap();
}

#[test]
fn the_line_asks_for_what_its_provider_wants_and_nothing_else() {
    for preset in hold_slayer::config::presets() {
        let file =
            std::env::temp_dir().join(format!("hold-slayer-preset-{preset}-{}.toml", std::process::id()));
        std::fs::write(&file, "[line]\ncountry = \"de\"\n").unwrap();
        let server = Server::with(Config { file: Some(file.clone()), password: None, ..config() });
        let (cookie, csrf) = server.let_in();
        let asks = |page: &str| -> Vec<String> {
            let form = page
                .split("action=\"/setup/line\"")
                .find(|form| form.contains("value=\"trunk\""))
                .unwrap_or_default();
            let form = form.split("</form>").next().unwrap();
            let inputs = form.split("<input ").skip(1).filter(|input| !input.contains("type=\"hidden\""));
            inputs
                .map(|input| input.split("name=\"set-").nth(1).unwrap().split('"').next().unwrap().to_owned())
                .collect()
        };
        assert!(asks(&server.get("/setup", &cookie).text).is_empty(), "first the provider");
        let page = server.get(&format!("/setup?preset={preset}"), &cookie).text;
        let asked = asks(&page);
        let mut wanted = hold_slayer::config::preset_asks(&preset);
        wanted.sort();
        let mut sorted = asked.clone();
        sorted.sort();
        assert_eq!(sorted, wanted, "{preset}");
        let typed: String = asked.iter().map(|key| format!("&set-{key}=sip.example.net")).collect();
        let say = |body: &str| {
            server.post(
                "/setup/line",
                &cookie,
                "",
                &format!("csrf={csrf}&section=trunk&set-name=home&set-preset={preset}{body}"),
            )
        };
        let wrong = say(&typed.replace("&set-user=sip.example.net", "&set-user=a%20b"));
        assert!(
            wrong.status == 400 && wrong.text.contains("value=\"a b\""),
            "what was typed is not lost: {}",
            wrong.text
        );
        assert_eq!(say(&typed).status, 200, "{preset}");
        let text = std::fs::read_to_string(&file).unwrap();
        assert!(
            text.contains(&format!("preset = \"{preset}\""))
                && asked.iter().all(|key| text.contains(&format!("{key} = "))),
            "{text}"
        );
        // Another provider: nothing of the first is left.
        let page = server.get("/setup?preset=sipgate", &cookie).text;
        let left: Vec<_> = page
            .split("<input ")
            .filter(|input| input.contains("name=\"set-") && input.contains("value=\"sip.example.net\""))
            .collect();
        assert!(preset == "sipgate" || left.is_empty(), "{preset}: {left:?}");
        std::fs::remove_file(file).unwrap();
    }
}

#[test]
fn the_test_of_the_line_is_seen_as_it_goes() {
    let (server, file) = with_file("test");
    let (cookie, csrf) = server.let_in();
    let with = |up, status: &str| {
        let trunks = vec![crate::server::peer("home", up, status)];
        server.snapshot.send_replace(std::sync::Arc::new(Snapshot { trunks, ..Snapshot::default() }));
    };
    with(false, "not registered: wrong password (403)");
    assert!(server.get("/setup", &cookie).text.contains("action=\"/setup/test\""));
    let pressed = server.post("/setup/test", &cookie, "", &format!("csrf={csrf}"));
    assert_eq!((pressed.status, pressed.field("location")), (303, Some("/setup/test?look=1")));
    let look = |n: u32| server.get(&format!("/setup/test?look={n}"), &cookie);
    let first = look(1);
    assert!(
        first.text.contains("wrong password (403)") && first.text.contains("The box registers now."),
        "{}",
        first.text
    );
    assert_eq!(first.field("refresh"), Some("2; url=/setup/test?look=2"));
    let last = look(15);
    assert!(last.field("refresh").is_none() && last.text.contains("still not ready"), "{}", last.text);
    with(true, "registered");
    let ready = look(2);
    assert!(ready.field("refresh").is_none() && ready.text.contains("calls can be made"), "{}", ready.text);
    std::fs::remove_file(file).unwrap();
}

#[test]
fn what_is_kept_is_deleted_when_the_owner_says_so() {
    let data = std::env::temp_dir().join(format!("hold-slayer-purge-{}", std::process::id()));
    let left = ["speech", "before-restore", "restore.failed"].map(|name| data.join(name));
    left.iter().for_each(|folder| std::fs::create_dir_all(folder).unwrap());
    let server = Server::with(Config { data: Some(data.clone()), ..config() });
    let (cookie, csrf) = server.log_in();
    assert!(server.get("/history", &cookie).text.contains("/calls/1\""));
    let purge = |what: &str| server.post("/privacy", &cookie, "", &format!("csrf={csrf}&purge={what}"));
    assert_eq!((purge("everything").status, purge("recordings").status), (400, 200));
    let event = |call, event| {
        let happened =
            hold_slayer::call::Happened { at: hold_slayer::clock::wall(), call: Some(call), event };
        server.journal.write(happened);
    };
    let text = || hold_slayer::call::Event::AudioTranscript { text: "in the journal".into() };
    event(hold_slayer::units::CallId(1), text());
    event(hold_slayer::units::CallId(1), hold_slayer::call::Event::HoldDetected);
    let kinds = || {
        let events = server.get("/api/v1/events", &cookie).json();
        events["events"].as_array().unwrap().iter().map(|event| event["type"].to_string()).collect::<Vec<_>>()
    };
    assert_eq!(kinds(), ["\"audio.transcript\"", "\"hold.detected\""]);
    let said = purge("said");
    assert_eq!(kinds(), ["\"hold.detected\""], "nor do programs read it any more");
    assert!(said.status == 200 && said.text.contains("1 deleted."), "{}", said.text);
    let call = server.get("/calls/1", &cookie).text;
    assert!(!call.contains("Thank you for holding.") && call.contains("Hold slain"), "{call}");
    assert!(!left[1].exists() && left[0].exists(), "what a restore has put aside has words in it, too");
    let gone = purge("history");
    assert!(kinds().is_empty());
    assert!(gone.text.contains("9 deleted."), "{}", gone.text);
    assert!(server.get("/history", &cookie).text.contains("No calls yet"));
    assert!(
        !left.iter().any(|folder| folder.exists()),
        "nor what a restore has put aside, nor what was spoken"
    );
    std::fs::remove_dir_all(data).unwrap();
    assert_eq!(server.post("/privacy", &cookie, "", "purge=history").status, 403);
}
