//! Values of the examples that were never replaced.

use super::{Level, Verdict, say};
use crate::config::{Config, PhonePeer, TrunkPeer};

/// What stands in the example file and in the README where the owner's own value belongs.
const EXAMPLES: &[&str] = &[
    "100000_box",
    "100000_name",
    "sip.example.net",
    "sip.your-provider.example",
    "password from your provider",
    "the password they gave you",
    "choose a long one",
    "a long one of your own",
    "at least 8 characters",
    "the mail's password",
    "the broker's password",
];
/// Passwords that are guessed first of all.
const GUESSED: &[&str] =
    &["secret", "password", "admin", "1234", "12345", "123456", "12345678", "hold-slayer"];

/// Warns about each, without repeating a password.
pub(super) fn judge(config: &Config, said: &mut Vec<Verdict>) {
    let mut warn = |title: String, key: &str, why: &str| {
        said.push(say(Level::Warning, "configuration", format!("{title} {key}: {why}")));
    };
    let example = |value: &str| EXAMPLES.contains(&value);
    let weak =
        |secret: &str, user: &str| GUESSED.contains(&secret.to_ascii_lowercase().as_str()) || secret == user;
    const LEFT: &str = "this is still the value of the example; write your own";
    const WEAK: &str = "this password is among the first that anybody tries; choose a long one";
    for trunk in &config.trunks {
        let TrunkPeer::Register { host, user, secret, .. } = &trunk.peer else { continue };
        let title = || format!("[[trunk]] {}", trunk.name);
        for (key, value) in [("server", host.as_str()), ("user", user), ("secret", secret.expose())] {
            if example(value) {
                warn(title(), key, LEFT);
            }
        }
        // The provider chose it, so only the placeholder of a document is worth a word.
        if secret.expose() == "secret" {
            warn(title(), "secret", LEFT);
        }
    }
    for phone in &config.phones {
        let PhonePeer::Register { user, secret } = &phone.peer else { continue };
        let title = || format!("[[phone]] {}", phone.name);
        if example(secret.expose()) {
            warn(title(), "secret", LEFT);
        } else if weak(secret.expose(), user) {
            warn(title(), "secret", WEAK);
        }
    }
    if let Some(password) = &config.web.password {
        if example(password.expose()) {
            warn("[web]".to_owned(), "password", LEFT);
        } else if weak(password.expose(), "") {
            warn("[web]".to_owned(), "password", WEAK);
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn said(text: &str) -> Vec<String> {
        let open = |_: &std::path::Path| Err(std::io::ErrorKind::NotFound.into());
        let config = crate::config::parse(text, "t.toml", &open).unwrap();
        let mut said = Vec::new();
        judge(&config, &mut said);
        said.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn what_was_left_of_an_example_is_named_and_no_password_is_repeated() {
        let trunk = |user: &str, secret: &str| {
            format!(
                "[[trunk]]\nname = \"t\"\nserver = \"sip.real.net\"\nuser = \"{user}\"\nsecret = \"{secret}\"\n"
            )
        };
        let phone =
            |secret: &str| format!("[[phone]]\nname = \"p\"\nuser = \"hall\"\nsecret = \"{secret}\"\n");
        for (text, key) in [
            (trunk("100000_name", "x9"), "[[trunk]] t user"),
            (trunk("u", "secret"), "[[trunk]] t secret"),
            (trunk("u", "password from your provider"), "[[trunk]] t secret"),
            (phone("choose a long one"), "[[phone]] p secret"),
            (phone("Secret"), "[[phone]] p secret"),
            (phone("hall"), "[[phone]] p secret"),
            ("[web]\npassword = \"at least 8 characters\"\n".to_owned(), "[web] password"),
            ("[web]\npassword = \"12345678\"\n".to_owned(), "[web] password"),
        ] {
            let said = said(&text);
            assert_eq!(said.len(), 1, "{text}: {said:?}");
            assert!(said[0].starts_with("warning ") && said[0].contains(&format!("{key}: ")), "{said:?}");
            assert!(!said[0].contains("12345678") && !said[0].contains("choose a long one\""), "{said:?}");
        }
        assert!(said(&(trunk("u", "x9") + &phone("k3-long-enough"))).is_empty());
    }

    #[test]
    fn every_value_that_the_example_file_asks_to_replace_is_known() {
        let quoted = |key: &str| {
            crate::config::EXAMPLE
                .lines()
                .filter(|line| line.trim_start_matches('#').starts_with(&format!("{key} = ")))
                .filter_map(|line| line.split('"').nth(1))
                .collect::<Vec<_>>()
        };
        for key in ["secret", "password"] {
            for value in quoted(key) {
                assert!(EXAMPLES.contains(&value), "{key} = {value}");
            }
        }
    }
}
