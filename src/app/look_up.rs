//! Where the trunks are, asked for again and again, and written down: a box that starts while the name service is silent
//! still reaches them.

use super::plan::Lookup;
use crate::clock;
use crate::net::backoff::Backoff;
use crate::net::names::Names;
use crate::sip::{Hop, Transport};
use crate::store::Store;
use crate::units::AccountId;
use core::time::Duration;
use std::net::IpAddr;
use tokio::sync::{mpsc, watch};

/// How long the name service is left alone after a question that it did not answer: the first, the longest.
const AGAIN: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(15));
/// How long an address holds of which nobody says how long it does.
const KNOWN_FOR: Duration = Duration::from_secs(600);

/// Asks the name service for a registrar's addresses until they are known, and again when they may have changed: providers
/// move. None at all: the name cannot be resolved. What was found before this start is told before anybody is asked. When the
/// box has another address, it is in another network, or in one at last: whoever is there is asked at once.
pub(super) async fn look_up(
    lookup: Lookup,
    located: mpsc::Sender<(AccountId, Vec<Hop>)>,
    store: Option<Store>,
    mut ip: watch::Receiver<IpAddr>,
) {
    let mut rests = Backoff::new(AGAIN.0, AGAIN.1);
    let mut known = store.as_ref().map(|store| remembered(store, &lookup)).unwrap_or_default();
    if !known.is_empty() && located.send((lookup.account, known.clone())).await.is_err() {
        return;
    }
    known.sort();
    loop {
        let (hops, holds) = if lookup.srv { servers(&lookup).await } else { addresses(&lookup).await };
        if hops.is_empty() {
            tracing::warn!(host = lookup.host, "the name of the trunk's server cannot be resolved");
        }
        // An address that worked is not given up for a name service that does not, and another lot among the same servers
        // is no move.
        let mut set = hops.clone();
        set.sort();
        if known.is_empty() || (!set.is_empty() && known != set) {
            known = set;
            if let Some(store) = store.clone().filter(|_| !hops.is_empty()) {
                let (key, text) = (key(&lookup), written(&hops));
                tokio::task::spawn_blocking(move || {
                    if let Err(error) = store.set_setting(&key, text.as_bytes()) {
                        tracing::error!(%error, "where a trunk is was not written down");
                    }
                });
            }
            if located.send((lookup.account, hops.clone())).await.is_err() {
                return;
            }
        }
        if hops.is_empty() {
            rests.failed(clock::now());
        } else {
            rests.worked();
        }
        let again = rests.until().map_or(holds, |until| until.since(clock::now()));
        // The box itself is gone.
        if let Ok(Err(_)) = tokio::time::timeout(again, ip.changed()).await {
            return;
        }
    }
}

/// By NAPTR and SRV, RFC 3263.
pub(crate) async fn servers(lookup: &Lookup) -> (Vec<Hop>, Duration) {
    let names = match Names::system() {
        Ok(names) => names,
        Err(why) => {
            tracing::warn!(why, "the name service cannot be asked");
            return (Vec::new(), AGAIN.0);
        }
    };
    let lot = |of: u32| getrandom::u32().unwrap_or_default() % of.max(1);
    names.servers(&lookup.host, lookup.transport, lot, |addr| lookup.family.takes(addr)).await
}

/// By the system's own resolver, which knows names of this house as well.
async fn addresses(lookup: &Lookup) -> (Vec<Hop>, Duration) {
    let found = tokio::net::lookup_host((lookup.host.as_str(), lookup.port)).await;
    let transport = lookup.transport.unwrap_or_default();
    let hops = found.into_iter().flatten().filter(|addr| lookup.family.takes(*addr));
    (hops.map(|addr| Hop::new(transport, addr)).collect(), KNOWN_FOR)
}

/// Under this the store has what was found: another server, port or way is another question.
fn key(lookup: &Lookup) -> String {
    let way = lookup.transport.map_or("any", Transport::name);
    let kind = if lookup.srv { "servers" } else { "address" };
    format!("trunk.{}:{}/{way}/{kind}", lookup.host, lookup.port)
}

/// Best first, one a line.
fn written(hops: &[Hop]) -> String {
    hops.iter().map(|hop| format!("{hop}\n")).collect()
}

/// What was found before; nothing if it cannot be understood or our socket no longer reaches it.
fn remembered(store: &Store, lookup: &Lookup) -> Vec<Hop> {
    let bytes = store.setting(&key(lookup)).unwrap_or_else(|error| {
        tracing::error!(%error, "where a trunk was cannot be read");
        None
    });
    let text = String::from_utf8(bytes.unwrap_or_default()).unwrap_or_default();
    let hops = text.lines().filter_map(|line| {
        let (way, addr) = line.split_once(' ')?;
        let transport =
            [Transport::Udp, Transport::Tcp, Transport::Tls].into_iter().find(|t| t.name() == way)?;
        Some(Hop::new(transport, addr.parse().ok()?))
    });
    hops.filter(|hop| lookup.family.takes(hop.addr)).collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::super::plan::Family;
    use super::*;

    fn lookup(host: &str) -> Lookup {
        let (account, host) = (AccountId(3), host.to_owned());
        Lookup { account, host, port: 5060, transport: Some(Transport::Tcp), srv: false, family: Family::V4 }
    }

    /// What the box hears first of this name.
    async fn first(lookup: Lookup, store: &Store) -> Vec<Hop> {
        let (located, mut locations) = mpsc::channel(1);
        let ip = watch::Sender::new(IpAddr::from([127, 0, 0, 1]));
        let task = tokio::spawn(look_up(lookup, located, Some(store.clone()), ip.subscribe()));
        let (account, hops) = locations.recv().await.unwrap();
        task.abort();
        assert_eq!(account, AccountId(3));
        hops
    }

    #[tokio::test]
    async fn in_another_network_the_name_service_is_asked_at_once() {
        let (located, mut locations) = mpsc::channel(1);
        let ip = watch::Sender::new(IpAddr::from([127, 0, 0, 1]));
        let task = tokio::spawn(look_up(lookup("gone.invalid"), located, None, ip.subscribe()));
        assert_eq!(locations.recv().await, Some((AccountId(3), vec![])));
        // Without a new address five more questions take half a minute.
        let asked = async {
            for last in 2..7 {
                ip.send_replace(IpAddr::from([10, 0, 0, last]));
                assert_eq!(locations.recv().await, Some((AccountId(3), vec![])));
            }
        };
        tokio::time::timeout(AGAIN.1, asked).await.expect("it is asked at once");
        drop(ip);
        task.await.expect("a box that is gone asks no more");
    }

    #[tokio::test]
    async fn where_a_trunk_is_outlives_the_box_and_the_name_service() {
        let dir = std::env::temp_dir().join(format!("hold-slayer-places-{}", std::process::id()));
        std::fs::create_dir_all(&dir).unwrap();
        let here = Hop::new(Transport::Tcp, "127.0.0.1:5060".parse().unwrap());
        let (store, _) = Store::open(&dir).unwrap();
        assert_eq!(first(lookup("localhost"), &store).await, [here]);
        // It is written by another thread.
        let (began, patience) = (std::time::Instant::now(), Duration::from_secs(20));
        while remembered(&store, &lookup("localhost")).is_empty() && began.elapsed() < patience {
            tokio::task::yield_now().await;
        }
        assert!(store.stop(Duration::from_secs(5)));
        // A name that nobody can resolve, whose addresses were found before.
        let (store, _) = Store::open(&dir).unwrap();
        let (gone, other) = (lookup("gone.invalid"), Hop::udp("192.0.2.7:5070".parse().unwrap()));
        let six = Hop::udp("[2001:db8::1]:5060".parse().unwrap());
        store.set_setting(&key(&gone), written(&[other, six, here]).as_bytes()).unwrap();
        assert_eq!(remembered(&store, &lookup("localhost")), [here], "it was written down");
        assert_eq!(first(gone.clone(), &store).await, [other, here], "best first, and of our family alone");
        assert_eq!(remembered(&store, &Lookup { port: 5062, ..gone.clone() }), []);
        store.set_setting(&key(&gone), b"\xffUDP 1\nnonsense").unwrap();
        assert_eq!(remembered(&store, &gone), []);
        assert!(store.stop(Duration::from_secs(5)));
        std::fs::remove_dir_all(&dir).unwrap();
    }
}
