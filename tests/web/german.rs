//! The page in German: chosen and kept, whole on every page, and a table without lines that nobody needs.

use crate::server::{Reply, Server, TWO_O_CLOCK, config, peer, snapshot, view};
use hold_slayer::call::{OfferView, Outcome, Phase, QueueView, Record};
use hold_slayer::listen::Sound;
use hold_slayer::units::{CallId, Wall};
use hold_slayer::web::{Config, Elsewhere};
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::sync::Arc;

const GERMAN: &str = "hold-slayer-language=de";

#[test]
fn the_browser_asks_for_german_or_its_owner_chooses_it() {
    let server = Server::new();
    let ask = |accepted: &str, cookie: &str| {
        let host = server.addr();
        server.raw(format!(
            "GET /login HTTP/1.1\r\nHost: {host}\r\nAccept-Language: {accepted}\r\nCookie: {cookie}\r\n\r\n"
        ))
    };
    let is_german = |reply: &Reply| {
        let german = reply.text.contains("<html lang=\"de\">") && reply.text.contains("Anmelden");
        assert_eq!(german, !reply.text.contains("Log in"), "{}", reply.text);
        assert_eq!(reply.field("content-language"), Some(if german { "de" } else { "en" }));
        german
    };
    assert!(is_german(&ask("de-AT,de;q=0.9,en;q=0.5", "")));
    assert!(!is_german(&ask("fr,en;q=0.5", "")) && !is_german(&server.get("/login", "")));
    assert!(is_german(&ask("en", GERMAN)) && !is_german(&ask("de", "hold-slayer-language=en")));

    let choose = |from: &str, body: &str| server.post("/language", "", &format!("Referer: {from}\r\n"), body);
    let here = format!("http://{}", server.addr());
    let chosen = choose(&format!("{here}/login"), "language=de");
    assert_eq!((chosen.status, chosen.field("location")), (303, Some("/login")), "{}", chosen.text);
    let cookie = chosen.field("set-cookie").unwrap();
    assert!(
        cookie.starts_with("hold-slayer-language=de; ") && cookie.contains("SameSite=Strict"),
        "{cookie}"
    );
    assert!(is_german(&ask("en", cookie.split(';').next().unwrap())));
    for (from, to) in [
        (format!("{here}/history?before=7"), "/history?before=7"),
        (format!("{here}/setup/line"), "/"),
        (format!("{here}/api/v1/status"), "/"),
        (format!("{here}//evil.example"), "/"),
        ("http://evil.example/login".to_owned(), "/"),
        ("nonsense".to_owned(), "/"),
    ] {
        assert_eq!(choose(&from, "language=en").field("location"), Some(to), "{from}");
    }
    assert_eq!(choose(&here, "language=fr").status, 400);
    let foreign = server.post("/language", "", "Origin: http://evil.example\r\n", "language=de");
    assert_eq!(foreign.status, 403);
    // What programs read is English, whatever the browser likes.
    let refused = server.raw(format!(
        "GET /api/v1/status HTTP/1.1\r\nHost: {}\r\nAccept-Language: de\r\n\r\n",
        server.addr()
    ));
    assert!(refused.json()["detail"].as_str().unwrap().starts_with("Send a token"));
}

const FILE: &str = "[line]\ncountry = \"de\"\nemergency = [\"115\"]\n[hold]\ncall_back = true\n[[trunk]]\nname = \"home\"\nserver = \"sip.example.net\"\n\
                    user = \"u\"\nsecret = \"s\"\n[[phone]]\nname = \"hall\"\nuser = \"hall\"\nsecret = \"s\"\n[[speed_dial]]\ndigits = \"1\"\nnumber = \"0800123\"\n";

#[test]
fn every_page_is_whole_in_german() {
    let file = std::env::temp_dir().join(format!("hold-slayer-german-{}.toml", std::process::id()));
    fs::write(&file, FILE).unwrap();
    let leaves = vec![
        "The sound of the line while the box holds, to nas, which recognises what is said.".to_owned(),
        "What happens, with the other party's number, to my hook (192.0.2.9).".to_owned(),
    ];
    let elsewhere = Elsewhere { leaves, assists: true, ..Elsewhere::default() };
    let server = Server::with(Config { file: Some(file.clone()), password: None, elsewhere, ..config() });
    let mut wrong = BTreeSet::new();
    let mut see = |english: &Reply, german: &Reply, what: &str| {
        assert!(english.status < 600 && english.status == german.status, "{what}: {}", german.text);
        let known: BTreeSet<String> = texts(english.body()).into_iter().collect();
        for text in texts(german.body()) {
            if known.contains(&text) && !is_the_same(&text) {
                wrong.insert(format!("{what}: {text}"));
            }
        }
    };
    let here = |path: &str, see: &mut dyn FnMut(&Reply, &Reply, &str), cookie: &str| {
        see(&server.get(path, cookie), &server.get(path, &format!("{cookie}; {GERMAN}")), path);
    };
    let there = |path: &str, body: &str, see: &mut dyn FnMut(&Reply, &Reply, &str), cookie: &str| {
        let post = |cookie: &str| server.post(path, cookie, "", body);
        see(&post(cookie), &post(&format!("{cookie}; {GERMAN}")), &format!("{path} {body}"));
    };
    here("/login", &mut see, "");
    there("/claim", "code=aaaa-aaaa&password=good-enough", &mut see, "");
    let (cookie, csrf) = server.let_in();
    here("/login", &mut see, "");
    there("/login", "password=wrong", &mut see, "");
    server.log_in();
    crate::flows::known(&server);
    let store = server.store.as_ref().unwrap();
    for (id, outcome) in (20..).zip([
        Outcome::OwnerGaveUp,
        Outcome::CapReached,
        Outcome::Cancelled,
        Outcome::Failed,
        Outcome::PreEmpted,
        Outcome::NobodyThere,
        Outcome::CallBack,
    ]) {
        let started = Wall(TWO_O_CLOCK - id * 40 * 86_400_000);
        store
            .put(&Record { outcome, started, outgoing: id % 2 == 0, ..crate::server::record(id - 19) })
            .unwrap();
        store
            .put(&Record {
                id: CallId(id),
                outcome,
                started,
                outgoing: id % 2 == 0,
                ..crate::server::record(1)
            })
            .unwrap();
    }
    store.change_lore("+18005550123", |lore| lore.take(&[vec![7; 60]])).unwrap();
    assert!(store.flush(crate::server::SOON));
    let pages = [
        "/",
        "/history",
        "/history?before=1",
        "/history?number=999",
        "/history?outcome=pre_empted&number=999",
        "/history?outcome=assisted",
        "/companies/heard?company=%2B18005550123",
        "/companies/heard?company=x",
        "/flows",
        "/statistics",
        "/phones",
        "/access",
        "/settings",
        "/setup",
        "/setup?preset=telekom",
        "/setup?preset=",
        "/setup/test?look=1",
        "/setup/test?look=99",
        "/privacy",
        "/notifications",
        "/board",
        "/board?left=5",
        "/backup",
        "/companies",
        "/greeting",
        "/update",
        "/logs",
        "/logs?find=no-such-words",
        "/nowhere",
        "/calls/999",
        "/setup/line",
        "/flows/version?number=18005550123&version=1",
        "/flows/version?number=1999",
        "/calls/9/listen",
    ];
    pages.iter().for_each(|page| here(page, &mut see, &cookie));
    (1..=26).for_each(|id| here(&format!("/calls/{id}"), &mut see, &cookie));
    for phase in [
        Phase::Dialing,
        Phase::Incoming,
        Phase::Talking,
        Phase::Parked,
        Phase::Menu,
        Phase::Confirming,
        Phase::Holding,
        Phase::Greeting,
        Phase::Ringing,
        Phase::Assisted,
    ] {
        let mut now = snapshot(vec![
            view(9, phase, Wall(TWO_O_CLOCK), 14),
            view(8, Phase::Talking, Wall(TWO_O_CLOCK), 3),
        ]);
        let call = &mut now.calls[0];
        (call.recording, call.may_listen, call.found) = (true, true, true);
        (call.line_encrypted, call.phones_encrypted) = (phase != Phase::Talking, phase != Phase::Holding);
        call.ends_at = (phase == Phase::Holding).then_some(Wall(0));
        call.captions = vec!["Music".into(), "Please hold the line".into()];
        let offer =
            OfferView { key: (phase == Phase::Holding).then_some('2'), taken: phase == Phase::Ringing };
        call.queue = Some(QueueView {
            place: Some(3),
            least_minutes: Some(2),
            most_minutes: Some(5),
            left_ms: Some(90_000),
            offer: Some(offer),
        });
        call.heard = (0..9)
            .zip([
                Sound::Silence,
                Sound::Noise,
                Sound::Ringback,
                Sound::Busy,
                Sound::Tone,
                Sound::Dtmf,
                Sound::Music,
                Sound::Announcement,
                Sound::Speech,
            ])
            .map(|(at, sound)| (at * 60_000, sound))
            .collect();
        now.trunks.push(peer("spare", false, "cannot register: not reachable; trying again in 30 s"));
        now.phones.push(peer("hall", false, "has not registered yet"));
        now.phones.push(peer("hand", false, "its sound card is not there yet"));
        now.troubles = TROUBLES.map(str::to_owned).into();
        now.troubles.push("The call history cannot be written: the disk is full: free some space. Calls work on; 3 records wait in memory.".into());
        now.discards.insert("stranger".into(), 12);
        server.snapshot.send_replace(Arc::new(now));
        here("/", &mut see, &cookie);
        here("/live", &mut see, &cookie);
        here("/calls/9/listen", &mut see, &cookie);
    }
    here("/phones", &mut see, &cookie);
    here("/setup", &mut see, &cookie);
    for (path, body) in [
        ("/calls", "number=x"),
        ("/phones", "name="),
        ("/phones", "name=a&device=x"),
        ("/phones", "name=Hall&device=grandstream&mac=1"),
        ("/phones", "name=Hall&device=any"),
        ("/phones/unpair", "user=x"),
        ("/access", "name="),
        ("/access", "name=a"),
        ("/access", "name=a&scope=read"),
        ("/access/remove", "id=x"),
        ("/access/logout", "id=x"),
        ("/flows", "number=1800&flow=x"),
        ("/planned", "number=1&at=x"),
        ("/privacy", "purge=x"),
        ("/privacy", "purge=said"),
        ("/companies/forget", "company=%2B18005550123&piece=99"),
        ("/privacy", "purge=recordings"),
        ("/setup/told", "told=x"),
        ("/setup/password", "password=short"),
        ("/settings", "section=hold&set-cap=tomorrow"),
        ("/settings", "section=x"),
        ("/settings", "section=trunk&set-name=second"),
        ("/settings", "section=hold&set-calls=9"),
        ("/settings", "section=web&set-tls=files"),
        ("/settings", "section=words&set-model=/no/such/folder"),
        ("/settings", "section=web&set-tls=files&set-tls_cert=/no/such/file&set-tls_key=/no/such/file"),
        ("/backup", "password=short"),
        ("/language", "language=x"),
        ("/settings", "section=speech&set-program=sh"),
        ("/setup/line", "section=line&set-country=at"),
        ("/calls/1/person", "at=x"),
        ("/notifications", "test=x"),
        ("/board", "do=x"),
        ("/board", "do=blink"),
        ("/board", "do=tone"),
        ("/board", "do=aloud"),
        ("/board", "do=monitor-tone"),
    ] {
        there(path, &format!("csrf={csrf}&{body}"), &mut see, &cookie);
    }
    here("/settings", &mut see, &cookie);
    here("/phones", &mut see, &cookie);
    fs::remove_file(file).unwrap();
    assert!(wrong.is_empty(), "not in German:\n{}", wrong.into_iter().collect::<Vec<_>>().join("\n"));
}

/// Of boards that are not as their files say.
const TROUBLES: [&str; 11] = [
    "button: no GPIO line is called GPIO17",
    "button: no GPIO line is called GPIO17, and there is no line 17 on gpiochip0",
    "lamp: there is no GPIO line 17 on gpiochip0",
    "button: no input device is called \"K\"; there are: A, B",
    "handset, keypad: no input device is called \"K\", and there is no other",
    "handset, hook: the input device \"K\" may not be opened, or has no such keys",
    "monitor: no sound card is called \"S\", and there is no other",
    "the board file is left out, and with it button, lamp and hook (/etc/t.toml, line 2): [board] file = \"x.toml\": the board file cannot be read: gone",
    "the board file is left out, and with it button, lamp and hook (/etc/t.toml, line 2): [board] file = \"/home/x.toml\": the board file cannot be read: gone. A service sees nothing there: put it beside hold-slayer.toml",
    "the board file is left out, and with it button, lamp and hook (x.toml, line 2): [lamp] line = \"A\": [button] has this one already; each needs its own",
    "the board file is left out, and with it button, lamp and hook (x.toml, line 2): [button] line is missing: needed is the kernel's name of the line, such as \"GPIO17\", chip and offset, or input, the name of an input device",
];

/// What people read or hear of a page, but for what is not to be translated.
fn texts(page: &str) -> Vec<String> {
    const VOID: [&str; 6] = ["input", "meta", "link", "img", "br", "!DOCTYPE"];
    let (mut found, mut open) = (Vec::new(), Vec::<bool>::new());
    for piece in page.split('<') {
        let Some((tag, text)) = piece.split_once('>') else { continue };
        let name = tag.trim_start_matches('/').split(' ').next().unwrap();
        let outer = open.last() == Some(&true);
        if tag.starts_with('/') {
            open.pop();
        } else {
            let alone = outer || tag.contains("translate=\"no\"");
            if !alone {
                for attribute in ["aria-label", "placeholder", "title", "alt", "data-title"] {
                    let value =
                        tag.split(&format!(" {attribute}=\"")).nth(1).and_then(|rest| rest.split('"').next());
                    found.extend(value.map(str::to_owned));
                }
            }
            if !VOID.contains(&name) {
                open.push(alone || ["code", "kbd", "pre", "textarea", "script"].contains(&name));
            }
        }
        if open.last() != Some(&true) {
            found.push(text.to_owned());
        }
    }
    let unescaped = found.into_iter().map(|text| {
        text.trim().replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"").replace("&amp;", "&")
    });
    unescaped.filter(|text| has_words(text)).collect()
}

fn has_words(text: &str) -> bool {
    let mut words = text.split(|c: char| !c.is_alphabetic()).filter(|word| !word.is_empty());
    words.any(|word| !["s", "ms", "min", "h", "MB", "kB"].contains(&word))
}

/// The sides of each line.
fn lines() -> Vec<(String, String)> {
    let mut lines = Vec::new();
    for file in fs::read_dir("src/web/language/de").unwrap() {
        let text = fs::read_to_string(file.unwrap().path()).unwrap();
        for line in text.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
            let (english, german) =
                line.split_once(" => ").unwrap_or_else(|| panic!("no line of the table: {line}"));
            lines.push((english.to_owned(), german.to_owned()));
        }
    }
    lines
}

/// The table says that both languages have the same word, with something behind it perhaps.
fn is_the_same(text: &str) -> bool {
    lines().iter().any(|(english, german)| match english.strip_suffix("{}") {
        None => english == german && english == text,
        Some(begin) => german.starts_with(begin) && !begin.is_empty() && text.starts_with(begin),
    }) || text.strip_suffix(" · Hold Slayer").is_some_and(|title| !has_words(title) || is_the_same(title))
}

#[test]
fn each_line_of_the_table_fills_its_gaps() {
    let mut seen = BTreeSet::new();
    for (english, german) in lines() {
        let gaps = english.matches("{}").count();
        assert!(english == english.trim() && german == german.trim() && !german.is_empty(), "{english}");
        for (at, _) in german.match_indices('{') {
            let number = german[at + 1..].split(['}', '!', '?']).next().unwrap();
            assert!(number.parse::<usize>().is_ok_and(|n| (1..=gaps).contains(&n)), "{english}: {german}");
        }
        // A general line may have two ways to be filled.
        assert!(seen.insert(english.clone()) || english == "{}: {}", "twice: {english}");
        let formal = ["du", "dein", "deine", "dich", "dir"];
        assert!(
            !german.to_lowercase().split(|c: char| !c.is_alphabetic()).any(|word| formal.contains(&word)),
            "{german}"
        );
    }
}

/// Words that the page shows, by the files that have them.
const SHOWN: &[&str] = &[
    "src/web/home.rs",
    "src/web/health.rs",
    "src/web/page.rs",
    "src/web/words.rs",
    "src/web/setup.rs",
    "src/web/privacy.rs",
    "src/web/backup.rs",
    "src/web/logs.rs",
    "src/web/claim.rs",
    "src/web/companies.rs",
    "src/web/sound.rs",
    "src/web/strip.rs",
    "src/web/access.rs",
    "src/web/access_page.rs",
    "src/web/call_page.rs",
    "src/web/history.rs",
    "src/web/board_page.rs",
    "src/web/notify_page.rs",
    "src/web/phones.rs",
    "src/web/phones_page.rs",
    "src/web/statistics_page.rs",
    "src/web/flows.rs",
    "src/web/flows_page.rs",
    "src/web/settings",
    "src/web/visit/enter.rs",
    "src/call",
    "src/slay/hold.rs",
    "src/slay/navigate.rs",
    "src/slay/schedule.rs",
    "src/slay/book.rs",
    "src/slay/explore.rs",
    "src/slay/talk.rs",
    "src/web/greeting.rs",
    "src/web/update.rs",
    "src/web/disk.rs",
    "src/update/mod.rs",
    "src/update/machine.rs",
    "src/update/standing.rs",
    "src/slay/flow.rs",
    "src/listen/challenge.rs",
    "src/listen/evidence.rs",
    "src/listen/verdict.rs",
    "src/trunk/route.rs",
    "src/trunk/toll.rs",
    "src/config/board.rs",
    "src/config/handset.rs",
    "src/config/hold.rs",
    "src/config/menu.rs",
    "src/config/notify.rs",
    "src/config/numbers.rs",
    "src/config/peers.rs",
    "src/config/recording.rs",
    "src/config/rules.rs",
    "src/config/services.rs",
    "src/config/speech.rs",
    "src/config/way.rs",
    "src/store/error.rs",
    "src/backup/mod.rs",
];

/// What is in those files and not for the page: logs, files, headers, speech.
const NOT_SHOWN: &[&str] = &[
    "Path=/",
    "attachment; filename",
    "--{",
    "Bearer",
    "application/",
    "text/",
    "audio/",
    " minute",
    " Minute",
    " minuto",
    "[[step]]",
    "state up",
    "state down",
    "card call",
    "width=",
    "light dark",
    "sudo hold-slayer",
    "sudo apt",
    "HTTP/1.1",
    "journalctl",
    "%A",
    "read part by part",
    "this run",
    "Advanced Settings",
    "Upgrade via HTTP",
    "Config Server Path",
    "is one of ",
    "automated assistant",
    "Samsung Internet",
    "automatischer Assistent",
    "assistant automatique",
    "asistente automático",
    "(pressed the key",
];

#[test]
fn what_the_page_shows_is_in_the_table_and_nothing_else() {
    let keys: Vec<String> = lines().into_iter().map(|(english, _)| english).collect();
    let all = keys.join("\n");
    let mut wrong = Vec::new();
    for path in SHOWN {
        for said in sources(Path::new(path)).iter().flat_map(|source| literals(source)) {
            let words = said.split(' ').filter(|word| word.chars().any(char::is_alphabetic)).count();
            if words < 2 || NOT_SHOWN.iter().any(|part| said.contains(part)) {
                continue;
            }
            let allowed = ["allowed is ", "allowed are ", "needed is ", "each is ", "one of "];
            let bare = |phrase| {
                allowed
                    .iter()
                    .fold(phrase, |phrase: &str, begin| phrase.strip_prefix(begin).unwrap_or(phrase))
            };
            if phrases(&said).any(|phrase| !all.contains(bare(phrase))) {
                wrong.push(format!("{path}: not in the table: {said}"));
            }
        }
    }
    let said =
        sources(Path::new("src")).iter().flat_map(|source| literals(source)).collect::<Vec<_>>().join("\n");
    for key in &keys {
        // Put together of two at most.
        let known = |phrase: &str| {
            let is_said = |part: &str| said.contains(part) || FROM_ELSEWHERE.contains(part);
            let mut cuts = phrase.match_indices(' ');
            is_said(phrase) || cuts.any(|(at, _)| is_said(&phrase[..at]) && is_said(&phrase[at + 1..]))
        };
        if let Some(phrase) = phrases(key).find(|phrase| !known(phrase)) {
            wrong.push(format!("nothing says: {key} ({phrase})"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// From a library, and names of kinds.
const FROM_ELSEWHERE: &str = "January February March April May June July August September October November December \
                              malformed strayresponse strayack stranger full flood banned";

/// The pieces of a text between what differs and between its signs.
fn phrases(text: &str) -> impl Iterator<Item = &str> {
    let pieces = text.split(['{', '}', ',', '.', ';', ':', '(', ')', '"']);
    pieces
        .map(|piece| piece.trim_matches(|c: char| !c.is_alphanumeric() && c != '*'))
        .filter(|piece| has_words(piece))
}

/// The sources at a place, without tests.
fn sources(path: &Path) -> Vec<String> {
    if path.is_dir() {
        let mut inside: Vec<_> = fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path()).collect();
        inside.retain(|path| path.is_dir() || path.extension().is_some_and(|ext| ext == "rs"));
        inside.retain(|path| !path.ends_with("tests.rs") && !path.ends_with("tests"));
        // What is spoken has languages of its own.
        inside.retain(|path| !path.ends_with("shelf.rs") && !path.ends_with("call/status.rs"));
        inside.retain(|path| !path.ends_with("call/abroad.rs"));
        return inside.iter().flat_map(|path| sources(path)).collect();
    }
    let text = fs::read_to_string(path).unwrap();
    vec![
        text.split(" mod tests {")
            .next()
            .and_then(|text| text.split("\nmod tests {").next())
            .unwrap()
            .to_owned(),
    ]
}

/// The texts in quotes, with `{}` for what is put in; not those of the log.
fn literals(source: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut chars = source.char_indices().peekable();
    let mut log_until = 0;
    while let Some((at, c)) = chars.next() {
        match c {
            '/' if source[at..].starts_with("//") => while chars.next_if(|(_, c)| *c != '\n').is_some() {},
            't' if ["error!", "warn!", "info!", "debug!"]
                .iter()
                .any(|level| source[at..].starts_with(&format!("tracing::{level}"))) =>
            {
                log_until = source[at..].find(");").map_or(at, |end| at + end);
            }
            '\'' if source[at..].starts_with("'\"'") => drop(chars.nth(1)),
            '"' => {
                let mut text = String::new();
                while let Some((_, c)) = chars.next() {
                    match c {
                        '"' => break,
                        '\\' => match chars.next() {
                            Some((_, '\n')) => while chars.next_if(|(_, c)| c.is_whitespace()).is_some() {},
                            Some((_, 'u')) => {
                                let code: String = chars
                                    .by_ref()
                                    .map(|(_, c)| c)
                                    .skip(1)
                                    .take_while(|c| *c != '}')
                                    .collect();
                                text.extend(u32::from_str_radix(&code, 16).ok().and_then(char::from_u32));
                            }
                            Some((_, 'n')) => text.push('\n'),
                            Some((_, other)) => text.push(other),
                            None => break,
                        },
                        '{' => {
                            text.push_str("{}");
                            while chars.next_if(|(_, c)| *c != '}' && *c != '"').is_some() {}
                            chars.next_if(|(_, c)| *c == '}');
                        }
                        c => text.push(c),
                    }
                }
                if at >= log_until {
                    found.push(text);
                }
            }
            _ => {}
        }
    }
    found
}
