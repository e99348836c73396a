//! Header fields in their order, and the values every message has.

use super::grammar::{Invalid, split_outside_quotes};
use super::message::Method;
use super::value::{NameAddr, Via};
use core::str::FromStr;

/// Header fields whose rows may be joined by commas, RFC 3261 §7.3.1, and that we read. Authentication fields are not
/// among them: their commas separate parameters.
const LISTS: [&str; 19] = [
    "Via",
    "Route",
    "Record-Route",
    "Contact",
    "Allow",
    "Supported",
    "Require",
    "Proxy-Require",
    "Unsupported",
    "Path",
    "Service-Route",
    "P-Asserted-Identity",
    "P-Preferred-Identity",
    "Remote-Party-ID",
    "Diversion",
    "Accept",
    "Allow-Events",
    "Reason",
    "Warning",
];

/// Header fields in the order of the wire; names compare without case.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Headers {
    rows: Vec<(String, String)>,
}

impl Headers {
    /// No header fields.
    pub const fn new() -> Self {
        Self { rows: Vec::new() }
    }

    /// The first value of this name: of a comma-joined list its first item.
    pub fn first(&self, name: &str) -> Option<&str> {
        self.all(name).next()
    }

    /// Every value of this name in order; rows of lists are taken apart at their commas.
    pub fn all<'a>(&'a self, name: &str) -> impl Iterator<Item = &'a str> + use<'a> {
        let list = LISTS.iter().any(|list| list.eq_ignore_ascii_case(name));
        let name = name.to_owned();
        let rows = self.rows.iter().filter(move |(n, _)| n.eq_ignore_ascii_case(&name));
        rows.flat_map(move |(_, value)| {
            let items = list.then(|| split_outside_quotes(value, b',')).flatten();
            items.unwrap_or_else(|| vec![value.as_str()]).into_iter().map(str::trim)
        })
    }

    /// Every row as it is, in order.
    pub fn rows(&self) -> impl Iterator<Item = (&str, &str)> {
        self.rows.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// Whether a list like Supported or Require names this token.
    pub fn lists(&self, name: &str, token: &str) -> bool {
        self.all(name).any(|item| item.eq_ignore_ascii_case(token))
    }

    /// Appends a row.
    pub fn push(&mut self, name: &str, value: impl Into<String>) {
        self.rows.push((name.to_owned(), value.into()));
    }

    /// Inserts a row before all others: a Via or a Route.
    pub fn push_front(&mut self, name: &str, value: impl Into<String>) {
        self.rows.insert(0, (name.to_owned(), value.into()));
    }

    /// Makes this the only row of its name, in the place of the first.
    pub fn set(&mut self, name: &str, value: impl Into<String>) {
        match self.rows.iter().position(|(n, _)| n.eq_ignore_ascii_case(name)) {
            Some(at) => {
                self.rows[at].1 = value.into();
                let mut nth = 0;
                self.rows.retain(|(n, _)| {
                    nth += 1;
                    nth <= at + 1 || !n.eq_ignore_ascii_case(name)
                });
            }
            None => self.push(name, value),
        }
    }

    /// Removes every row of this name.
    pub fn remove(&mut self, name: &str) {
        self.rows.retain(|(n, _)| !n.eq_ignore_ascii_case(name));
    }

    /// Replaces the top Via and leaves the others, RFC 3261 §18.2.1.
    pub fn set_top_via(&mut self, via: &Via) {
        let rest: Vec<String> = self.all("Via").skip(1).map(str::to_owned).collect();
        self.remove("Via");
        for value in rest.into_iter().rev() {
            self.push_front("Via", value);
        }
        self.push_front("Via", via.to_string());
    }

    /// Every value of this name that parses as a name-addr.
    pub fn addresses(&self, name: &str) -> Vec<NameAddr> {
        self.all(name).filter_map(|value| value.parse().ok()).collect()
    }

    /// The five fields that every message needs are there, once each, and well-formed, RFC 3261 §8.1.1.
    pub(super) fn check(&self) -> Result<(), Invalid> {
        self.first("Via").ok_or(Invalid::Empty)?.parse::<Via>()?;
        self.only("From")?.parse::<NameAddr>()?;
        self.only("To")?.parse::<NameAddr>()?;
        if self.only("Call-ID")?.is_empty() {
            return Err(Invalid::Empty);
        }
        parse_cseq(self.only("CSeq")?).map(|_| ())
    }

    fn only(&self, name: &str) -> Result<&str, Invalid> {
        let mut values = self.all(name);
        match (values.next(), values.next()) {
            (Some(value), None) => Ok(value),
            _ => Err(Invalid::Empty),
        }
    }

    pub(super) fn parsed<T: FromStr + Default>(&self, name: &str) -> T {
        self.first(name).and_then(|value| value.parse().ok()).unwrap_or_default()
    }

    pub(super) fn cseq(&self) -> (u32, Method) {
        self.first("CSeq").and_then(|value| parse_cseq(value).ok()).unwrap_or_default()
    }
}

/// `number SP method`, RFC 3261 §20.16.
fn parse_cseq(text: &str) -> Result<(u32, Method), Invalid> {
    let (number, method) = text.trim().split_once([' ', '\t']).ok_or(Invalid::Sequence)?;
    if !number.bytes().all(|b| b.is_ascii_digit()) {
        return Err(Invalid::Sequence);
    }
    let number = number.parse().map_err(|_| Invalid::Sequence)?;
    Ok((number, method.trim().parse().map_err(|_| Invalid::Sequence)?))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;

    fn headers(rows: &[(&str, &str)]) -> Headers {
        let mut headers = Headers::new();
        for (name, value) in rows {
            headers.push(name, *value);
        }
        headers
    }

    #[test]
    fn lists_are_taken_apart_and_others_are_not() {
        let headers = headers(&[
            ("Via", "SIP/2.0/UDP a;branch=1, SIP/2.0/UDP b"),
            ("via", "SIP/2.0/UDP c"),
            ("Contact", "\"a, b\" <sip:x>, <sip:y;z=1,2>"),
            ("WWW-Authenticate", "Digest realm=\"r\", nonce=\"n\""),
            ("Supported", "timer,100rel"),
        ]);
        let all = |name| headers.all(name).collect::<Vec<_>>();
        assert_eq!(all("VIA"), ["SIP/2.0/UDP a;branch=1", "SIP/2.0/UDP b", "SIP/2.0/UDP c"]);
        assert_eq!(all("Contact"), ["\"a, b\" <sip:x>", "<sip:y;z=1,2>"]);
        assert_eq!(all("WWW-Authenticate"), ["Digest realm=\"r\", nonce=\"n\""]);
        assert_eq!((headers.first("via"), headers.first("nothing")), (Some("SIP/2.0/UDP a;branch=1"), None));
        assert!(headers.lists("supported", "100REL") && !headers.lists("Supported", "100"));
    }

    #[test]
    fn rows_are_placed_replaced_and_removed() {
        let mut rows = headers(&[("A", "1"), ("B", "2"), ("a", "3"), ("C", "4")]);
        rows.set("A", "5");
        rows.set("D", "6");
        rows.push_front("E", "7");
        rows.remove("b");
        assert_eq!(rows.rows().collect::<Vec<_>>(), [("E", "7"), ("A", "5"), ("C", "4"), ("D", "6")]);
    }

    #[test]
    fn the_top_via_alone_is_changed() {
        let mut rows =
            headers(&[("Via", "SIP/2.0/UDP a, SIP/2.0/UDP b"), ("Via", "SIP/2.0/UDP c"), ("To", "x")]);
        rows.set_top_via(&"SIP/2.0/UDP z;rport=1".parse().unwrap());
        let all: Vec<_> = rows.rows().collect();
        assert_eq!(
            all,
            [
                ("Via", "SIP/2.0/UDP z;rport=1"),
                ("Via", "SIP/2.0/UDP b"),
                ("Via", "SIP/2.0/UDP c"),
                ("To", "x")
            ]
        );
    }

    #[test]
    fn sequence_numbers() {
        assert_eq!(parse_cseq("1 INVITE"), Ok((1, Method::Invite)));
        assert_eq!(parse_cseq("0009  \tfoo"), Ok((9, Method::Other("foo".to_owned()))));
        for wrong in
            ["", "INVITE", "1", "1INVITE", "-1 INVITE", "+1 INVITE", "4294967296 INVITE", "1 IN VITE", "1 "]
        {
            assert_eq!(parse_cseq(wrong), Err(Invalid::Sequence), "{wrong}");
        }
    }
}
