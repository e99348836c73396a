//! Other machines and programs: who is asked, told, and made to speak.

use super::*;
use crate::slay::talk::Limits;

#[test]
fn other_machines_are_asked_only_where_they_are_named() {
    assert_eq!(read("").unwrap().words.service, None);
    let text = "[words]\nmodel = \"/m\"\nurl = \"http://nas:8000/v1/\"\nlanguage = \"de\"\n";
    let words = read(text).unwrap().words;
    assert_eq!(words.folder(Path::new("/")), None, "the box's own model rests");
    let service = words.service.unwrap();
    assert_eq!((&*service.model, service.key, service.url.host()), ("whisper-1", None, "nas:8000"));
    let full = read(&format!("{text}key = \"k3y\"\nservice_model = \"base\"\n")).unwrap();
    let leaves = full.leaves().join(" ");
    assert!(leaves.contains("sound of the line") && leaves.contains("nas:8000"), "{leaves}");
    let service = full.words.service.unwrap();
    assert_eq!((&*service.model, service.key.unwrap().expose()), ("base", "k3y"));
    assert!(read("").unwrap().leaves().is_empty());
    let wrong = [
        ("url = \"nas:11434\"\n", "allowed is an address such as"),
        ("url = \"http://me:k3y@nas\"\n", "without user or password"),
        ("url = \"http://a\"\nservice_model = \"\"\n", "allowed is a name of up to 100 signs"),
        ("url = \"http://a\"\nkey = \"k3y \\u00e9\"\n", "key (not shown): allowed are up to 500"),
        ("key = \"k3y\"\n", "key (not shown): this is for the machine at url"),
        ("service_model = \"m\"\n", "this is for the machine at url"),
    ];
    for (text, why) in wrong {
        let told = read(&format!("[words]\n{text}")).unwrap_err().to_string();
        assert!(told.contains(why), "{text}: {told}");
        assert!(!told.contains("k3y") || why.contains("without user"), "{told}");
    }
}

#[test]
fn a_language_model_has_an_address_and_a_name() {
    assert_eq!(read("").unwrap().assistant, None);
    let read = |keys: &str| read(&format!("[assistant]\n{keys}"));
    let model = read("url = \"http://nas:11434/v1/\"\nmodel = \"m\"\n").unwrap().assistant.unwrap();
    assert_eq!((model.url.host(), &*model.model, model.key), ("nas:11434", "m", None));
    assert_eq!(model.limit, Duration::from_secs(10));
    let full = read("url = \"https://x.example\"\nmodel = \"m\"\nkey = \"k3y\"\nlimit = \"3s\"\n").unwrap();
    assert!(full.leaves().join(" ").contains("x.example"));
    let model = full.assistant.unwrap();
    assert_eq!((model.key.unwrap().expose(), model.limit), ("k3y", Duration::from_secs(3)));
    let wrong = [
        ("url = \"http://a\"\n", "model is missing: needed is the model's name"),
        ("model = \"m\"\n", "this is for the machine at url, which is not there"),
        ("url = \"http://a\"\nmodel = \"\"\n", "allowed is a name of up to 100 signs"),
        ("url = \"http://a\"\nmodel = \"m\"\nlimit = \"2m\"\n", "allowed is a time from \"1s\" to \"1m\""),
    ];
    for (keys, why) in wrong {
        let told = read(keys).unwrap_err().to_string();
        assert!(told.contains(why), "{keys}: {told}");
    }
}

#[test]
fn notification_targets_have_the_keys_of_their_kind() {
    use crate::notify::{Security, Way};
    let one = |more: &str| {
        read(&format!("[[notify]]\nname = \"x\"\n{more}")).map(|config| config.notify[0].clone())
    };
    let hook = one("kind = \"webhook\"\nurl = \"https://a.example/t0ken\"\nkey = \"k\"\n").unwrap();
    assert_eq!((hook.numbers, hook.ca.as_ref(), hook.host()), (false, None, "a.example"));
    let Way::Webhook { key: Some(key), .. } = &hook.way else { panic!() };
    assert_eq!(key.expose(), "k");
    assert!(
        hook.wants("hold.human_detected") && hook.wants("system.trouble") && !hook.wants("hold.detected")
    );
    assert!(!format!("{hook:?}").contains("t0ken"));
    let all = "kind = \"ntfy\"\nurl = \"http://nas/t\"\nevents = [\"hold\", \"call.failed\"]\nnumbers = true\nca = \"/ca.pem\"\n";
    let ntfy = one(all).unwrap();
    assert!(ntfy.wants("hold.detected") && ntfy.wants("call.failed") && !ntfy.wants("call.ended"));
    assert_eq!((ntfy.numbers, ntfy.ca), (true, Some("/ca.pem".into())));
    let letter = "from = \"a@b.example\"\nto = \"Me <c@d.example>\"\n";
    let mail = |more: &str| match one(&format!("kind = \"mail\"\n{letter}{more}")).unwrap().way {
        Way::Mail { server, from, to } => (server, from, to),
        other => panic!("{other:?}"),
    };
    let (server, from, to) = mail("server = \"m.example\"\nuser = \"u\"\nsecret = \"s3\"\n");
    assert_eq!(
        (server.port, server.security, &*from, &*to),
        (587, Security::StartTls, "a@b.example", "Me <c@d.example>")
    );
    assert_eq!(server.login.unwrap().0, "u");
    assert_eq!(mail("server = \"m.example\"\nsecurity = \"tls\"\n").0.port, 465);
    assert_eq!(mail("server = \"m.example:26\"\nsecurity = \"none\"\n").0.port, 26);
    let mqtt = |more: &str| match one(&format!("kind = \"mqtt\"\n{more}")).unwrap().way {
        Way::Mqtt { server, topic } => (server.port, server.security, topic),
        other => panic!("{other:?}"),
    };
    assert_eq!(mqtt("server = \"nas\"\n"), (1883, Security::None, "hold-slayer".to_owned()));
    assert_eq!(
        mqtt("server = \"nas\"\nsecurity = \"tls\"\ntopic = \"a/b\"\n"),
        (8883, Security::Tls, "a/b".to_owned())
    );
    let wrong = [
        ("kind = \"fax\"\n", "needed is one of webhook, ntfy, mail, mqtt"),
        ("kind = \"webhook\"\n", "url is missing: allowed is an address"),
        ("kind = \"webhook\"\nurl = \"s3cret\"\n", "url (not shown): allowed is an address"),
        ("kind = \"webhook\"\nurl = \"http://a\"\nkey = \"s3 cret\"\n", "key (not shown)"),
        (
            "kind = \"webhook\"\nurl = \"http://a\"\nsecret = \"s3cret\"\n",
            "webhook has no such key. It has url, key",
        ),
        ("kind = \"webhook\"\nurl = \"http://a\"\nevents = [\"audio\"]\n", "each is one of call.started"),
        ("kind = \"webhook\"\nurl = \"http://a\"\nca = \"x\"\n", "the whole path of a file"),
        (
            "kind = \"mail\"\nserver = \"a\"\nfrom = \"x\"\nto = \"a@b.example\"\n",
            "needed is an e-mail address",
        ),
        ("kind = \"mqtt\"\n", "server is missing"),
        ("kind = \"mqtt\"\nserver = \"http://a\"\n", "needed is a host name"),
        ("kind = \"mqtt\"\nserver = \"a\"\nsecurity = \"starttls\"\n", "allowed is one of tls, none"),
        ("kind = \"mqtt\"\nserver = \"a\"\nuser = \"u\"\n", "user and secret belong together"),
        ("kind = \"mqtt\"\nserver = \"a\"\ntopic = \"a/#\"\n", "letters, digits"),
    ];
    for (text, why) in wrong {
        let told = one(text).unwrap_err().to_string();
        assert!(told.contains(why) && !told.contains("s3cret"), "{text}: {told}");
    }
    let twice = "[[notify]]\nname = \"x\"\nkind = \"ntfy\"\nurl = \"http://a\"\n".repeat(2);
    assert!(read(&twice).unwrap_err().to_string().contains("another [[notify]] has this name"));
}

#[test]
fn calls_that_the_model_leads_are_off_unless_allowed_and_limited() {
    let there = "[assistant]\nurl = \"http://nas/v1\"\nmodel = \"m\"\n";
    let limits = |more: &str| read(&format!("{there}{more}")).map(|config| config.assisted);
    assert_eq!(limits("").unwrap(), None);
    assert_eq!(limits("minutes = 5\n").unwrap(), None);
    let limits_of = |turns, minutes: u32| Some(Limits { turns, longest: minutes * Duration::from_secs(60) });
    assert_eq!(limits("calls = true\n").unwrap(), limits_of(40, 10));
    assert_eq!(limits("calls = true\nminutes = 60\nturns = 200\n").unwrap(), limits_of(200, 60));
    for wrong in
        ["calls = 1", "calls = true\nminutes = 0", "calls = true\nminutes = 61", "turns = 0", "turns = 201"]
    {
        assert!(limits(&format!("{wrong}\n")).is_err(), "{wrong}");
    }
    let told = read("[assistant]\ncalls = true\n").unwrap_err().to_string();
    assert!(told.contains("which is not there"), "{told}");
    let leaves = |more: &str| read(&format!("{there}{more}")).unwrap().leaves().len();
    assert_eq!((leaves(""), leaves("calls = true\n")), (1, 2));
}

#[test]
fn keys_about_speech() {
    let text = "[speech]\nprogram = \"/opt/voice\"\nvoice = \"de+f2\"\nlanguage = \"de\"\nannounce = false\n";
    let speech = read(text).unwrap().speech;
    let voice = crate::speech::Config {
        program: crate::speech::Choice::At("/opt/voice".into()),
        voice: "de+f2".into(),
        language: "de",
    };
    assert_eq!(speech, Speech { voice, elsewhere: None, language: Language::German, announce: false });
    let usual = read("").unwrap().speech;
    assert_eq!((usual.voice.program, usual.voice.language, usual.announce), (Default::default(), "en", true));
    let text = "[speech]\nurl = \"http://nas/v1\"\nkey = \"k3y\"\nmodel = \"kokoro\"\nvoice = \"af_sky\"\n";
    let speech = read(text).unwrap().speech;
    let (service, voice) = speech.elsewhere.unwrap();
    assert_eq!((service.url.host(), &*service.model, &*voice), ("nas", "kokoro", "af_sky"));
    assert_eq!(speech.voice.voice, "", "the program has no such voice");
    let (service, voice) = read("[speech]\nurl = \"http://nas/v1\"\n").unwrap().speech.elsewhere.unwrap();
    assert_eq!((service.key, &*service.model, &*voice), (None, "tts-1", "alloy"));
    for wrong in [
        "model = \"kokoro\"",
        "key = \"k\"",
        "url = \"nas\"",
        "program = \"espeak\"",
        "voice = \"--stdin\"",
        "voice = \"a b\"",
        "language = \"nl\"",
        "announce = 1",
    ] {
        assert!(read(&format!("[speech]\n{wrong}\n")).is_err(), "{wrong}");
    }
}
