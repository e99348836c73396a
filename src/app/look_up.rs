//! Where the trunks are, asked for again and again.

use super::plan::Lookup;
use crate::net::names::Names;
use crate::sip::Hop;
use crate::units::AccountId;
use core::time::Duration;
use tokio::sync::mpsc;

/// How long the name service is left alone between two questions.
const AGAIN: Duration = Duration::from_secs(15);
/// How long an address holds of which nobody says how long it does.
const KNOWN_FOR: Duration = Duration::from_secs(600);

/// Asks the name service for a registrar's addresses until they are known, and again when they may have changed: providers
/// move. None at all: the name cannot be resolved.
pub(super) async fn look_up(lookup: Lookup, located: mpsc::Sender<(AccountId, Vec<Hop>)>) {
    let mut known: Vec<Hop> = Vec::new();
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
            if located.send((lookup.account, hops.clone())).await.is_err() {
                return;
            }
        }
        tokio::time::sleep(if hops.is_empty() { AGAIN } else { holds }).await;
    }
}

/// By NAPTR and SRV, RFC 3263.
pub(crate) async fn servers(lookup: &Lookup) -> (Vec<Hop>, Duration) {
    let names = match Names::system() {
        Ok(names) => names,
        Err(why) => {
            tracing::warn!(why, "the name service cannot be asked");
            return (Vec::new(), AGAIN);
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
