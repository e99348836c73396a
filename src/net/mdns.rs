//! Told in the home network by multicast DNS (RFC 6762) and service discovery (RFC 6763): the box's name, its page and its
//! telephone side.

use core::time::Duration;
use mdns_sd::{MDNS_PORT, ServiceDaemon, ServiceInfo};
use std::net::SocketAddr;

/// So long the network is told that the box goes.
const FAREWELL: Duration = Duration::from_millis(500);

/// What is told.
#[derive(Clone, Debug)]
pub struct Told {
    /// The box's name, without `.local`.
    pub name: String,
    /// Where the page is, if it is served.
    pub page: Option<SocketAddr>,
    /// The page is encrypted.
    pub tls: bool,
    /// Where phones register.
    pub sip: SocketAddr,
}

/// Tells until it is dropped.
pub struct Announcement(ServiceDaemon);

impl Told {
    /// The services that others can reach; those on a loopback address nobody can.
    fn services(&self, loopback: bool) -> mdns_sd::Result<Vec<ServiceInfo>> {
        let page = if self.tls { "_https._tcp.local." } else { "_http._tcp.local." };
        let all = [(page, self.page), ("_sip._udp.local.", Some(self.sip))];
        let reached = all.into_iter().filter_map(|(kind, at)| Some((kind, at?)));
        let reached = reached.filter(|(_, at)| loopback || !at.ip().is_loopback());
        let host = format!("{}.local.", self.name);
        let none: &[(&str, &str)] = &[];
        reached
            .map(|(kind, at)| {
                let service = ServiceInfo::new(kind, "Hold Slayer", &host, "", at.port(), none)?;
                Ok(match at.ip() {
                    ip if ip.is_unspecified() => service.enable_addr_auto(),
                    ip => ServiceInfo::new(kind, "Hold Slayer", &host, ip, at.port(), none)?,
                })
            })
            .collect()
    }

    /// Begins to tell; `None` if there is nothing that others could reach.
    ///
    /// # Errors
    /// In plain words; telephoning goes without.
    pub fn tell(&self) -> Result<Option<Announcement>, String> {
        self.tell_at(MDNS_PORT, false)
    }

    fn tell_at(&self, port: u16, loopback: bool) -> Result<Option<Announcement>, String> {
        let failed = |error: mdns_sd::Error| {
            format!(
                "the box is not found as {}.local: {error}; `local_name = \"\"` under [web] does without",
                self.name
            )
        };
        if self.name.is_empty() {
            return Ok(None);
        }
        let services = self.services(loopback).map_err(failed)?;
        if services.is_empty() {
            return Ok(None);
        }
        let daemon = ServiceDaemon::new_with_port(port).map_err(failed)?;
        if loopback {
            daemon.enable_interface(mdns_sd::IfKind::LoopbackV4).map_err(failed)?;
        }
        services.into_iter().try_for_each(|service| daemon.register(service)).map_err(failed)?;
        Ok(Some(Announcement(daemon)))
    }
}

impl Drop for Announcement {
    fn drop(&mut self) {
        if let Ok(done) = self.0.shutdown() {
            let _ = done.recv_timeout(FAREWELL);
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use mdns_sd::{IfKind, ServiceEvent};

    fn told(ip: &str) -> Told {
        let at = |port| SocketAddr::new(ip.parse().unwrap(), port);
        Told { name: "holdslayer-test".into(), page: Some(at(8080)), tls: false, sip: at(5060) }
    }

    #[test]
    fn what_nobody_can_reach_is_not_told() {
        assert!(told("127.0.0.1").tell().unwrap().is_none());
        assert!(Told { name: String::new(), ..told("0.0.0.0") }.tell().unwrap().is_none(), "switched off");
        let kinds = |told: &Told| {
            let services = told.services(false).unwrap();
            services.iter().map(|service| service.get_type().to_owned()).collect::<Vec<_>>()
        };
        assert_eq!(kinds(&told("0.0.0.0")), ["_http._tcp.local.", "_sip._udp.local."]);
        assert_eq!(
            kinds(&Told { tls: true, ..told("192.0.2.1") }),
            ["_https._tcp.local.", "_sip._udp.local."]
        );
        assert_eq!(kinds(&Told { page: None, ..told("192.0.2.1") }), ["_sip._udp.local."]);
    }

    #[test]
    fn a_browser_in_the_network_finds_the_page_by_name() {
        // A port of its own: nothing of the machine's real network is asked or told.
        let port = std::net::UdpSocket::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let _box = told("127.0.0.1").tell_at(port, true).unwrap().unwrap();
        let browser = ServiceDaemon::new_with_port(port).unwrap();
        browser.disable_interface(IfKind::All).unwrap();
        browser.enable_interface(IfKind::LoopbackV4).unwrap();
        for (kind, port) in [("_http._tcp.local.", 8080), ("_sip._udp.local.", 5060)] {
            let found = browser.browse(kind).unwrap();
            let resolved = loop {
                let event = found.recv_timeout(Duration::from_secs(20)).unwrap();
                if let ServiceEvent::ServiceResolved(service) = event {
                    break service;
                }
            };
            assert_eq!((resolved.host.as_str(), resolved.port), ("holdslayer-test.local.", port), "{kind}");
        }
        let _ = browser.shutdown().unwrap().recv();
    }
}
