//! The name service: from a trunk's name to its servers, RFC 3263 §4.

use super::order::{self, Naptr, Srv};
use crate::sip::{Hop, Transport};
use core::time::Duration;
use hickory_resolver::TokioResolver;
use hickory_resolver::config::{ConnectionConfig, NameServerConfig, ResolverConfig};
use hickory_resolver::lookup::Lookup;
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use hickory_resolver::proto::rr::{RData, RecordType};
use std::net::SocketAddr;
use std::time::Instant;

/// What is believed of a lifetime: neither is a server asked all the time, nor a move missed for a day.
const KNOWN_FOR: (Duration, Duration) = (Duration::from_secs(30), Duration::from_secs(3600));
/// Most addresses of one name.
const MOST: usize = 8;

/// Asks the name servers of this machine.
pub struct Names {
    resolver: TokioResolver,
    /// Until when everything that was told holds.
    until: Instant,
}

impl Names {
    /// With the servers that the system uses at this moment.
    ///
    /// # Errors
    /// In plain words: the system names none.
    pub fn system() -> Result<Self, String> {
        let resolver = TokioResolver::builder_tokio().and_then(|builder| builder.build());
        resolver.map(Self::with).map_err(|error| format!("this machine has no usable name servers: {error}"))
    }

    /// With this server alone, asked by UDP.
    ///
    /// # Errors
    /// In plain words.
    pub fn of(server: SocketAddr) -> Result<Self, String> {
        let mut way = ConnectionConfig::udp();
        way.port = server.port();
        let mut server = NameServerConfig::udp(server.ip());
        server.connections = vec![way];
        let config = ResolverConfig::from_name_servers(vec![server]);
        let builder = TokioResolver::builder_with_config(config, TokioRuntimeProvider::default());
        builder.build().map(Self::with).map_err(|error| error.to_string())
    }

    fn with(resolver: TokioResolver) -> Self {
        Self { resolver, until: Instant::now() + KNOWN_FOR.1 }
    }

    /// The servers of `host`, best first, and how long that holds. `wanted`: this transport alone. `lot` draws one of so
    /// many, from 0; `takes` says which addresses the box can reach. Empty if there are none.
    pub async fn servers(
        mut self,
        host: &str,
        wanted: Option<Transport>,
        mut lot: impl FnMut(u32) -> u32,
        takes: impl Fn(SocketAddr) -> bool,
    ) -> (Vec<Hop>, Duration) {
        let mut hops = Vec::new();
        let naptr = self.records(host, RecordType::NAPTR, naptr).await;
        for (transport, name) in order::services(host, naptr, wanted) {
            let found = self.records(&name, RecordType::SRV, srv).await;
            for server in order::servers(found, &mut lot) {
                self.addresses(&server.target, Hop::new(transport, ([0; 4], server.port).into()), &mut hops)
                    .await;
            }
        }
        if hops.is_empty() {
            // RFC 3263 §4.2: a name without servers is one.
            let transport = wanted.unwrap_or_default();
            self.addresses(host, Hop::new(transport, ([0; 4], transport.port()).into()), &mut hops).await;
        }
        hops.retain(|hop| takes(hop.addr));
        hops.truncate(MOST);
        let left = self.until.saturating_duration_since(Instant::now());
        (hops, left.clamp(KNOWN_FOR.0, KNOWN_FOR.1))
    }

    /// Adds each address of `name`, with the rest as `like` says.
    async fn addresses(&mut self, name: &str, like: Hop, hops: &mut Vec<Hop>) {
        let Ok(found) = self.resolver.lookup_ip(absolute(name)).await else { return };
        self.until = self.until.min(found.valid_until());
        let found = found.iter().map(|ip| Hop::new(like.transport, SocketAddr::new(ip, like.port())));
        for hop in found {
            if !hops.contains(&hop) {
                hops.push(hop);
            }
        }
    }

    async fn records<T>(&mut self, name: &str, kind: RecordType, read: fn(&RData) -> Option<T>) -> Vec<T> {
        let found: Result<Lookup, _> = self.resolver.lookup(absolute(name), kind).await;
        // No such records, or no answer: RFC 3263 goes on with what is left to ask.
        let Ok(found) = found else { return Vec::new() };
        self.until = self.until.min(found.valid_until());
        found.answers().iter().filter_map(|record| read(&record.data)).collect()
    }
}

fn naptr(data: &RData) -> Option<Naptr> {
    let RData::NAPTR(record) = data else { return None };
    // RFC 3263 §4.1: flag "s" says that SRV records follow.
    let follows = record.flags.eq_ignore_ascii_case(b"s");
    follows.then(|| Naptr {
        order: record.order,
        preference: record.preference,
        service: String::from_utf8_lossy(&record.services).into_owned(),
        replacement: record.replacement.to_ascii(),
    })
}

fn srv(data: &RData) -> Option<Srv> {
    let RData::SRV(record) = data else { return None };
    let (priority, weight, port) = (record.priority, record.weight, record.port);
    Some(Srv { priority, weight, port, target: record.target.to_ascii() })
}

/// With the final dot: the search list of the household's network has no say in where its provider is.
fn absolute(name: &str) -> String {
    if name.ends_with('.') { name.to_owned() } else { format!("{name}.") }
}
