//! The files that telephone adapters fetch to set themselves up. Pure: who may have one is [`super::pairing`]'s.
//!
//! Parameters after the Grandstream HT80x administration guide and web interface, and the Cisco SPA100 provisioning guide.

use super::dial::Codes;
use super::pairing::Mac;
use std::net::SocketAddr;

/// An adapter's make, which decides the form of its file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Make {
    /// HT801, HT802.
    Grandstream,
    /// SPA1xx, SPA2102.
    Cisco,
}

/// The telephone socket of an adapter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Jack {
    /// PHONE or PHONE 1.
    One,
    /// PHONE 2 of an adapter with two.
    Two,
}

/// A phone behind an adapter.
#[derive(Clone, Copy, Debug)]
pub struct Line<'a> {
    /// The socket it is plugged into.
    pub jack: Jack,
    /// Shown to people.
    pub name: &'a str,
    /// SIP user and digest user name.
    pub user: &'a str,
    /// Digest password.
    pub secret: &'a str,
}

/// What every file says of the box and of its country.
#[derive(Clone, Copy, Debug)]
pub struct House<'a> {
    /// The box's SIP address: an IP address, for an adapter keeps a `.local` name for good or not at all.
    pub sip: SocketAddr,
    /// Dialled at once, before everything else.
    pub emergency: &'a [String],
    /// So that no plan of the adapter's stands in their way.
    pub codes: &'a Codes,
}

/// The file that a path asks for, `query_mac` being the value of `mac` in its query: `cfg<mac>.xml` of Grandstream's,
/// `spa<mac>.cfg` or `spa<product>.cfg?mac=<mac>` of Cisco's. `cfg<mac>` alone is Grandstream's binary form, which is not
/// made here: the adapter asks for the `.xml` next.
pub fn asked(path: &str, query_mac: Option<&str>) -> Option<(Make, Mac)> {
    let plain = |text: &str| (text.len() == 12).then(|| Mac::parse(text)).flatten();
    let file = path.strip_prefix('/')?;
    if let Some(mac) = file.strip_prefix("cfg").and_then(|rest| rest.strip_suffix(".xml")) {
        return Some((Make::Grandstream, plain(mac)?));
    }
    let product = file.strip_prefix("spa").and_then(|rest| rest.strip_suffix(".cfg"))?;
    let named =
        !product.is_empty() && product.len() <= 16 && product.bytes().all(|b| b.is_ascii_alphanumeric());
    match query_mac {
        Some(mac) => Mac::parse(mac).filter(|_| named),
        None => plain(product),
    }
    .map(|mac| (Make::Cisco, mac))
}

/// The file of the adapter at `mac`. At most one line for each jack; a jack without one is left as it is.
pub fn file(make: Make, mac: Mac, lines: &[Line<'_>], house: &House<'_>) -> String {
    match make {
        Make::Grandstream => grandstream(mac, lines, house),
        Make::Cisco => cisco(lines, house),
    }
}

/// The parameters of jack one and jack two, what they say, and why.
fn grandstream(mac: Mac, lines: &[Line<'_>], house: &House<'_>) -> String {
    let mut body = String::new();
    let (server, plan) = (server(house.sip), grandstream_plan(house));
    for line in lines {
        let values: [(u32, u32, &str); 30] = [
            (271, 401, "1"), // the account is active
            (47, 747, &server),
            (35, 735, line.user),
            (36, 736, line.user),
            (34, 734, line.secret),
            (3, 703, line.name),
            (31, 731, "1"),      // register
            (32, 732, "5"),      // every five minutes
            (130, 830, "0"),     // UDP
            (52, 730, "0"),      // no NAT between us
            (243, 743, "1"),     // SIP from the box only
            (258, 449, "1"),     // and for this user only
            (26015, 26115, "0"), // nobody resets it by SIP
            (24063, 24263, "0"), // no calls past the box, by IP address
            (191, 751, "0"),     // star codes are the box's
            (74, 774, "0"),      // a flash holds, as from the factory
            (185, 816, "180"),   // the box decides how long it rings
            (4200, 4201, &plan),
            (57, 757, "0"),    // PCMU
            (58, 758, "8"),    // PCMA
            (37, 737, "2"),    // two frames of 10 ms
            (50, 750, "0"),    // no silence suppression
            (291, 460, "1"),   // symmetric RTP
            (850, 860, "101"), // keys as RFC 2833,
            (851, 861, "102"), // else by INFO,
            (852, 862, "100"), // else in the sound
            (79, 779, "101"),
            (91, 791, "0"), // call waiting is on: the parameter switches it off
            (65, 765, "0"), // the box hides the number, not the adapter
            (29, 729, "0"), // whole numbers only
        ];
        for (one, two, value) in values {
            let number = if line.jack == Jack::One { one } else { two };
            body.push_str(&format!("    <P{number}>{}</P{number}>\n", escape(value)));
        }
    }
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<gs_provision version=\"1\">\n  <mac>{mac}</mac>\n  \
         <config version=\"1\">\n{body}  </config>\n</gs_provision>\n"
    )
}

/// Emergency numbers and codes first, then any number and any star code.
fn grandstream_plan(house: &House<'_>) -> String {
    let codes = house.codes.named().map(|(_, code)| code.to_owned());
    let all: Vec<String> = house.emergency.iter().cloned().chain(codes).collect();
    format!("{{ {} | x+ | *x+ }}", all.join(" | "))
}

fn cisco(lines: &[Line<'_>], house: &House<'_>) -> String {
    let (server, plan) = (server(house.sip), cisco_plan(house));
    let mut body = String::new();
    for line in lines {
        let n = if line.jack == Jack::One { 1 } else { 2 };
        let values: [(&str, &str); 18] = [
            ("Line_Enable", "Yes"),
            ("Proxy", &server),
            ("Register", "Yes"),
            ("Register_Expires", "300"),
            ("Display_Name", line.name),
            ("User_ID", line.user),
            ("Password", line.secret),
            ("Use_Auth_ID", "Yes"),
            ("Auth_ID", line.user),
            ("SIP_Transport", "UDP"),
            ("NAT_Mapping_Enable", "No"),
            ("Restrict_Source_IP", "Yes"),
            ("Preferred_Codec", "G711u"),
            ("Use_Pref_Codec_Only", "No"),
            ("Silence_Supp_Enable", "No"),
            ("DTMF_Tx_Method", "AVT"),
            ("Call_Waiting_Serv", "Yes"),
            ("Dial_Plan", &plan),
        ];
        for (name, value) in values {
            body.push_str(&format!("  <{name}_{n}_>{}</{name}_{n}_>\n", escape(value)));
        }
    }
    format!("<flat-profile>\n  <RTP_Packet_Size>0.020</RTP_Packet_Size>\n{body}</flat-profile>\n")
}

/// `S0`: dialled at once.
fn cisco_plan(house: &House<'_>) -> String {
    let emergency = house.emergency.iter().map(|number| format!("{number}S0"));
    let codes = house.codes.named().map(|(_, code)| code.to_owned());
    let rest = ["*xx", "*xx.", "xx."].map(str::to_owned);
    format!("({})", emergency.chain(codes).chain(rest).collect::<Vec<_>>().join("|"))
}

/// A SIP address as it is typed into a phone: without the port that everybody takes for granted.
pub fn server(sip: SocketAddr) -> String {
    match (sip.port(), sip) {
        (5060, SocketAddr::V4(v4)) => v4.ip().to_string(),
        (5060, SocketAddr::V6(v6)) => format!("[{}]", v6.ip()),
        _ => sip.to_string(),
    }
}

/// Text between two tags: what could end it is written as a reference, and what XML 1.0 §2.2 does not have is left out.
fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&apos;"),
            '\u{fffe}' | '\u{ffff}' => {}
            c if c.is_control() => {}
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    const MAC: Mac = Mac([0xC0, 0x74, 0xAD, 0x12, 0x34, 0x56]);

    fn made(make: Make, lines: &[Line<'_>], sip: &str) -> String {
        let codes = Codes::default();
        let emergency = ["911".to_owned(), "112".to_owned()];
        let house = House { sip: sip.parse().unwrap(), emergency: &emergency, codes: &codes };
        file(make, MAC, lines, &house)
    }

    fn line(jack: Jack) -> Line<'static> {
        Line { jack, name: "Hall", user: "hall", secret: "abcd-efgh" }
    }

    #[test]
    fn an_ht801_is_told_all_that_it_needs() {
        let text = made(Make::Grandstream, &[line(Jack::One)], "192.168.1.20:5060");
        for (number, value) in [
            (271, "1"),
            (47, "192.168.1.20"),
            (35, "hall"),
            (36, "hall"),
            (34, "abcd-efgh"),
            (3, "Hall"),
            (130, "0"),
            (32, "5"),
            (191, "0"),
            (74, "0"),
            (185, "180"),
            (243, "1"),
            (258, "1"),
            (26015, "0"),
            (24063, "0"),
            (291, "1"),
            (57, "0"),
            (58, "8"),
            (37, "2"),
            (4200, "{ 911 | 112 | *58 | *59 | *94 | *95 | *49 | *67 | *96 | *48 | x+ | *x+ }"),
        ] {
            assert!(text.contains(&format!("<P{number}>{value}</P{number}>\n")), "P{number}: {text}");
        }
        assert!(text.contains("<mac>c074ad123456</mac>") && !text.contains("<P401>"), "{text}");
    }

    #[test]
    fn an_ht802_has_two_lines_and_another_port_is_written() {
        let text = made(Make::Grandstream, &[line(Jack::One), line(Jack::Two)], "192.168.1.20:5062");
        for parameter in
            ["<P401>1<", "<P735>hall<", "<P734>abcd-efgh<", "<P747>192.168.1.20:5062<", "<P4201>{ 911"]
        {
            assert!(text.contains(parameter), "{parameter}: {text}");
        }
        let v6 = made(Make::Grandstream, &[line(Jack::One)], "[fd00::1]:5060");
        assert!(v6.contains("<P47>[fd00::1]</P47>"), "{v6}");
    }

    #[test]
    fn a_cisco_is_told_all_that_it_needs() {
        let text = made(Make::Cisco, &[line(Jack::One), line(Jack::Two)], "192.168.1.20:5060");
        for parameter in [
            "<Proxy_1_>192.168.1.20<",
            "<User_ID_2_>hall<",
            "<Password_1_>abcd-efgh<",
            "<Restrict_Source_IP_1_>Yes<",
            "<Dial_Plan_1_>(911S0|112S0|*58|*59|*94|*95|*49|*67|*96|*48|*xx|*xx.|xx.)<",
        ] {
            assert!(text.contains(parameter), "{parameter}: {text}");
        }
    }

    #[test]
    fn neither_name_nor_secret_can_write_a_parameter() {
        let evil = "</P3><P2>admin</P2>\r\n&\"'\u{0}\u{ffff}";
        for make in [Make::Grandstream, Make::Cisco] {
            let plain = made(make, &[line(Jack::One)], "10.0.0.1:5060");
            let text = made(make, &[Line { name: evil, secret: evil, ..line(Jack::One) }], "10.0.0.1:5060");
            let tags = |text: &str| text.matches('<').count();
            assert_eq!((tags(&text), text.lines().count()), (tags(&plain), plain.lines().count()), "{text}");
            assert!(text.contains("&lt;/P3&gt;&lt;P2&gt;admin&lt;/P2&gt;&amp;&quot;&apos;<"), "{text}");
        }
    }

    #[test]
    fn only_the_names_of_the_makers_ask_for_a_file() {
        for (path, query, make) in [
            ("/cfgc074ad123456.xml", None, Some(Make::Grandstream)),
            ("/spac074ad123456.cfg", None, Some(Make::Cisco)),
            ("/spa112.cfg", Some("c074ad123456"), Some(Make::Cisco)),
            ("/spa2102.cfg", Some("C0:74:AD:12:34:56"), Some(Make::Cisco)),
            ("/cfgc074ad123456", None, None),
            ("/cfg.xml", None, None),
            ("/cfgc0-74-ad-12-34-56.xml", None, None),
            ("/cfgc074ad12345.xml", None, None),
            ("/spa112.cfg", None, None),
            ("/spa.cfg", Some("c074ad123456"), None),
            ("/spa../x.cfg", Some("c074ad123456"), None),
            ("/x/cfgc074ad123456.xml", None, None),
            ("cfgc074ad123456.xml", None, None),
        ] {
            assert_eq!(asked(path, query), make.map(|make| (make, MAC)), "{path}");
        }
    }
}
