//! Star codes that telephone adapters keep for themselves: one of the box's that begins alike never reaches it.

use super::dial::Codes;

/// A maker's table: codes as they leave the factory, and what each does.
struct Table {
    adapter: &'static str,
    features: &'static [(&'static str, &'static str)],
}

/// Before a number: hide mine, for this call. The box means the same by its own code, so the two do not clash.
const HIDE: &str = "hide the number for one call";

/// HT801 and HT802: the default feature codes of "Call Features Settings" in their web interface and user manual, 1.0.5x.
/// They hold while "Enable Call Features" is on.
const GRANDSTREAM: Table = Table {
    adapter: "a Grandstream adapter with its call features on",
    features: &[
        ("*02", "forced codec"),
        ("*03", "no echo cancelling for one call"),
        ("*16", "SRTP on"),
        ("*17", "SRTP off"),
        ("*18", "SRTP for one call"),
        ("*19", "no SRTP for one call"),
        ("*23", "three-way conference"),
        ("*30", "hide the number from now on"),
        ("*31", "show the number from now on"),
        ("*47", "direct IP call"),
        ("*50", "call waiting off"),
        ("*51", "call waiting on"),
        ("*67", HIDE),
        ("*69", "call back the last caller"),
        ("*70", "no call waiting for one call"),
        ("*71", "call waiting for one call"),
        ("*72", "forward all calls"),
        ("*73", "forward no calls"),
        ("*74", "paging"),
        ("*77", "off-hook auto-dial"),
        ("*78", "do not disturb on"),
        ("*79", "do not disturb off"),
        ("*82", "show the number for one call"),
        ("*87", "blind transfer"),
        ("*90", "forward when busy"),
        ("*91", "do not forward when busy"),
        ("*92", "forward after a while"),
        ("*93", "do not forward after a while"),
        ("*98", "say the registration"),
    ],
};

/// SPA1xx, SPA2102 and their kin: "Vertical Service Activation Codes" of the Cisco SPA administration guide, in their
/// defaults. An empty code in the adapter's page switches one off.
const CISCO: Table = Table {
    adapter: "a Cisco SPA adapter",
    features: &[
        ("*03", "media loopback"),
        ("*05", "ring when free"),
        ("*07", "redial"),
        ("*16", "secure calls from now on"),
        ("*17", "no secure calls from now on"),
        ("*18", "secure call once"),
        ("*19", "no secure call once"),
        ("*25", "caller's name while waiting"),
        ("*26", "distinctive ring on"),
        ("*45", "no caller's name while waiting"),
        ("*46", "distinctive ring off"),
        ("*56", "call waiting on"),
        ("*57", "call waiting off"),
        ("*60", "block the last caller"),
        ("*63", "forward the last caller"),
        ("*64", "accept the last caller"),
        ("*65", "caller's name on"),
        ("*66", "call back"),
        ("*67", HIDE),
        ("*68", "show the number from now on"),
        ("*69", "call back the last caller"),
        ("*70", "no call waiting for one call"),
        ("*71", "call waiting for one call"),
        ("*72", "forward all calls"),
        ("*73", "forward no calls"),
        ("*74", "speed dial"),
        ("*77", "block anonymous callers"),
        ("*78", "do not disturb on"),
        ("*79", "do not disturb off"),
        ("*80", "unblock the last caller"),
        ("*81", "hide the number from now on"),
        ("*82", "show the number for one call"),
        ("*83", "do not forward the last caller"),
        ("*84", "do not accept the last caller"),
        ("*85", "caller's name off"),
        ("*86", "no call back"),
        ("*87", "let anonymous callers in"),
        ("*90", "forward when busy"),
        ("*91", "do not forward when busy"),
        ("*92", "forward after a while"),
        ("*93", "do not forward after a while"),
        ("*98", "blind transfer"),
        ("*99", "modem line"),
    ],
};

/// Each code of the box that an adapter would keep, as a sentence that names its key, the adapter and the feature.
pub fn shadowed(codes: &Codes) -> Vec<String> {
    let ours = codes.named();
    let tables = [GRANDSTREAM, CISCO];
    let clashes = ours.iter().flat_map(|&(key, code)| {
        let alike = move |theirs: &str| code.starts_with(theirs) || theirs.starts_with(code);
        tables.iter().filter_map(move |table| {
            let (theirs, feature) = table.features.iter().find(|(theirs, _)| alike(theirs))?;
            let same = key == "withhold" && code == *theirs && *feature == HIDE;
            (!same).then(|| {
                format!(
                    "[codes] {key} = \"{code}\" may never reach the box: {} takes {theirs} for \"{feature}\". \
                     Choose another code, or switch that off in the adapter",
                    table.adapter
                )
            })
        })
    });
    clashes.collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn codes(hold: &str) -> Codes {
        Codes { hold: hold.into(), ..Codes::default() }
    }

    #[test]
    fn the_defaults_are_free_on_every_adapter() {
        assert_eq!(shadowed(&codes("*58")), Vec::<String>::new());
    }

    #[test]
    fn a_clash_names_key_adapter_and_feature() {
        for (code, told) in [
            ("*98", &["Grandstream", "say the registration", "Cisco SPA", "blind transfer"][..]),
            ("*4", &["Grandstream", "*47", "Cisco SPA", "*45"]),
            ("*665", &["Cisco SPA", "*66"]),
            ("*47", &["Grandstream", "direct IP call"]),
            ("1158", &[]),
        ] {
            let said = shadowed(&codes(code)).join("\n");
            assert!(told.iter().all(|word| said.contains(word)), "{code}: {said}");
            assert_eq!(said.is_empty(), told.is_empty(), "{code}: {said}");
        }
        let other = Codes { withhold: "*82".into(), ..codes("*58") };
        assert_eq!(shadowed(&other).len(), 2, "*82 shows the number: the opposite");
    }

    #[test]
    fn the_tables_are_in_order_and_have_each_code_once() {
        for table in [GRANDSTREAM, CISCO] {
            assert!(table.features.windows(2).all(|two| two[0].0 < two[1].0), "{}", table.adapter);
            let star = |code: &str| code.strip_prefix('*').unwrap().bytes().all(|b| b.is_ascii_digit());
            assert!(table.features.iter().all(|(code, what)| star(code) && !what.is_empty()));
        }
    }
}
