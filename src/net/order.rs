//! Which server of a name comes first: NAPTR and SRV records put in order, RFC 3263 §4 and RFC 2782.

use crate::sip::Transport;

/// A NAPTR record that points to SRV records, RFC 3263 §4.1.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Naptr {
    pub order: u16,
    pub preference: u16,
    pub service: String,
    pub replacement: String,
}

/// An SRV record, RFC 2782.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Srv {
    pub priority: u16,
    pub weight: u16,
    pub port: u16,
    pub target: String,
}

/// The SRV names to ask for, best first. `wanted`: this transport alone, as the configuration may say.
pub(super) fn services(host: &str, naptr: Vec<Naptr>, wanted: Option<Transport>) -> Vec<(Transport, String)> {
    let mut naptr: Vec<(Transport, Naptr)> =
        naptr.into_iter().filter_map(|record| Some((transport(&record.service)?, record))).collect();
    naptr.sort_by_key(|(_, record)| (record.order, record.preference));
    let mut names: Vec<_> = naptr.into_iter().map(|(by, record)| (by, record.replacement)).collect();
    if names.is_empty() {
        // RFC 3263 §4.1: without NAPTR records, whatever of these there is. TLS is used if it is asked for.
        let usual =
            [(Transport::Udp, "_sip._udp"), (Transport::Tcp, "_sip._tcp"), (Transport::Tls, "_sips._tcp")];
        let usual = usual.into_iter().filter(|(by, _)| wanted.is_some() || *by != Transport::Tls);
        names = usual.map(|(by, service)| (by, format!("{service}.{host}"))).collect();
    }
    names.retain(|(by, _)| wanted.is_none_or(|wanted| wanted == *by));
    names
}

fn transport(service: &str) -> Option<Transport> {
    let services = [("SIP+D2U", Transport::Udp), ("SIP+D2T", Transport::Tcp), ("SIPS+D2T", Transport::Tls)];
    services.iter().find(|(name, _)| name.eq_ignore_ascii_case(service)).map(|(_, by)| *by)
}

/// RFC 2782: the lowest priority number first; within it by lot, where weight is the number of lots. `lot` draws one of so
/// many, from 0.
pub(super) fn servers(mut records: Vec<Srv>, mut lot: impl FnMut(u32) -> u32) -> Vec<Srv> {
    // RFC 2782: a single root as target says that there is no such service.
    records.retain(|record| !matches!(record.target.as_str(), "" | ".") && record.port != 0);
    // Those without weight stand in front, and are drawn seldom but not never.
    records.sort_by_key(|record| (record.priority, record.weight));
    let mut ordered = Vec::with_capacity(records.len());
    while let Some(priority) = records.first().map(|record| record.priority) {
        let peers = records.iter().take_while(|record| record.priority == priority);
        let lots: u32 = peers.map(|record| u32::from(record.weight)).sum();
        let drawn = lot(lots.saturating_add(1)).min(lots);
        let mut sum = 0;
        let at = records.iter().position(|record| {
            sum += u32::from(record.weight);
            sum >= drawn
        });
        ordered.push(records.remove(at.unwrap_or(0)));
    }
    ordered
}

#[cfg(test)]
mod tests {
    use super::*;

    fn naptr(order: u16, preference: u16, service: &str, replacement: &str) -> Naptr {
        Naptr { order, preference, service: service.into(), replacement: replacement.into() }
    }

    fn srv(priority: u16, weight: u16, target: &str) -> Srv {
        Srv { priority, weight, port: 5060, target: target.into() }
    }

    #[test]
    fn what_is_asked_for_and_in_which_order() {
        use Transport::{Tcp, Tls, Udp};
        // RFC 3263 §4.1's own example, and what is none of ours.
        let records = || {
            vec![
                naptr(90, 50, "SIP+D2T", "_sip._tcp.h"),
                naptr(50, 50, "sips+d2t", "_sips._tcp.h"),
                naptr(90, 40, "SIP+D2U", "_sip._udp.h"),
                naptr(10, 10, "SIP+D2S", "_sip._sctp.h"),
                naptr(10, 10, "E2U+sip", "x"),
            ]
        };
        let cases = [
            (records(), None, vec![(Tls, "_sips._tcp.h"), (Udp, "_sip._udp.h"), (Tcp, "_sip._tcp.h")]),
            (records(), Some(Tcp), vec![(Tcp, "_sip._tcp.h")]),
            (vec![], None, vec![(Udp, "_sip._udp.h"), (Tcp, "_sip._tcp.h")]),
            (vec![], Some(Udp), vec![(Udp, "_sip._udp.h")]),
            (vec![], Some(Tls), vec![(Tls, "_sips._tcp.h")]),
            (vec![naptr(1, 1, "SIP+D2U", "u")], Some(Tls), vec![]),
        ];
        for (records, wanted, names) in cases {
            let found = services("h", records, wanted);
            let found: Vec<_> = found.iter().map(|(by, name)| (*by, name.as_str())).collect();
            assert_eq!(found, names, "{wanted:?}");
        }
    }

    #[test]
    fn priority_counts_before_weight_and_no_service_is_none() {
        let records = vec![srv(20, 100, "c"), srv(10, 0, "a"), srv(20, 0, "b"), srv(0, 0, ".")];
        let last = servers(records.clone(), |lots| lots - 1);
        let first = servers(records, |_| 0);
        let names = |found: &[Srv]| found.iter().map(|record| record.target.clone()).collect::<String>();
        assert_eq!((names(&last).as_str(), names(&first).as_str()), ("acb", "abc"));
    }

    #[test]
    fn lots_fall_as_the_weights_say() {
        let mut draw = 0;
        let mut heavy = 0;
        for _ in 0..1010 {
            let found = servers(vec![srv(1, 25, "light"), srv(1, 75, "heavy")], |lots| {
                draw += 1;
                draw % lots
            });
            heavy += usize::from(found.first().is_some_and(|record| record.target == "heavy"));
            assert_eq!(found.len(), 2);
        }
        assert!((650..850).contains(&heavy), "{heavy} of 1010");
    }
}
