//! The signalling room and the page's readers by themselves, as the fuzzer sees them, and what is tried on them.

extern crate self as hold_slayer;

#[path = "../../../src/limits.rs"]
pub mod limits;
#[path = "../../../src/sip/mod.rs"]
pub mod sip;
pub mod trials;
#[path = "../../../src/units.rs"]
pub mod units;

/// What the page reads of browsers.
pub mod web {
    #[path = "../../../../src/web/form.rs"]
    mod form;
    #[path = "../../../../src/web/head.rs"]
    mod head;
    pub mod trials;

    /// Of the page's rooms, what the head of a request is judged by.
    mod access {
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Scope {
            Settings,
        }
    }

    mod websocket {
        pub fn accept(key: &str) -> Option<String> {
            Some(key.to_owned())
        }
    }

    /// A table of addresses that has one of each kind.
    mod route {
        use super::access::Scope;

        pub fn allowed(path: &str) -> &'static str {
            if path == "/calls" { "POST" } else { "GET, HEAD, POST" }
        }

        pub fn takes_a_file(path: &str) -> Option<(usize, Scope)> {
            matches!(path, "/greeting" | "/update").then_some((1 << 20, Scope::Settings))
        }

        pub fn goes_to_the_disk(path: &str) -> bool {
            path == "/update"
        }
    }
}
