//! Over MQTT: the state of the line as sensors that Home Assistant finds by itself, and messages as events.
//!
//! | topic | what | kept by the broker |
//! |---|---|---|
//! | `TOPIC/status` | `online`, or `offline` once the box is gone | yes |
//! | `TOPIC/state` | [`House`] as JSON | yes |
//! | `TOPIC/event` | each message as JSON | no |
//! | `homeassistant/…/config` | what each sensor is | yes |

use super::message::Message;
use super::{Security, Server};
use crate::call::{Event, Happened};
use crate::clock;
use crate::limits::NOTIFY_CALLS;
use crate::net::backoff::Backoff;
use crate::net::http::Failure;
use crate::net::tls;
use crate::units::{CallId, Instant, Wall};
use bytes::BytesMut;
use core::time::Duration;
use rumqttc::mqttbytes::v4::{Connect, ConnectReturnCode, LastWill, Login, Packet, Publish};
use rumqttc::mqttbytes::{Error, QoS};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::io::{self, Read, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::path::{Path, PathBuf};
use tokio_rustls::rustls::pki_types::ServerName;
use tokio_rustls::rustls::{ClientConnection, StreamOwned};

/// Each thing that is asked of the broker takes no longer.
const LIMIT: Duration = Duration::from_secs(10);
/// The broker misses the box after one and a half of these, seconds.
const KEEP_ALIVE: u16 = 60;
/// So it hears from it at least so often.
const PING: Duration = Duration::from_secs(30);
/// A broker that is away is tried again after this, and twice as long each time, up to the other.
const AGAIN: Duration = Duration::from_secs(5);
const AT_MOST: Duration = Duration::from_secs(300);
/// Largest packet, bytes.
const PACKET: usize = 16 * 1024;

/// What the sensors show.
#[derive(Debug, Default)]
pub struct House {
    calls: BTreeMap<CallId, Stage>,
    trunks: BTreeMap<String, bool>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Stage {
    Ringing,
    Talking,
    Holding(Wall),
    Person(Wall),
}

impl House {
    /// Takes an event; whether anything changed.
    pub fn observe(&mut self, happened: &Happened) -> bool {
        let before = self.state();
        if let Some(call) = happened.call {
            let held = |stage: Option<Stage>| match stage {
                Some(Stage::Holding(since) | Stage::Person(since)) => since,
                _ => happened.at,
            };
            let now = self.calls.get(&call).copied();
            let next = match &happened.event {
                Event::CallStarted { .. } => Some(Stage::Ringing),
                Event::CallConnected if now == Some(Stage::Ringing) => Some(Stage::Talking),
                Event::HoldDetected | Event::HumanLost => Some(Stage::Holding(held(now))),
                Event::HumanDetected => Some(Stage::Person(held(now))),
                Event::TransferComplete => Some(Stage::Talking),
                _ => now,
            };
            if let (Event::CallEnded { .. } | Event::CallFailed { .. }, _) | (_, None) =
                (&happened.event, next)
            {
                self.calls.remove(&call);
            } else if let Some(stage) = next {
                self.calls.insert(call, stage);
            }
            while self.calls.len() > NOTIFY_CALLS {
                self.calls.pop_first();
            }
        }
        if let Event::TrunkRegistered { name } | Event::TrunkFailed { name, .. } = &happened.event {
            let up = matches!(happened.event, Event::TrunkRegistered { .. });
            self.trunks.insert(name.clone(), up);
        }
        self.state() != before
    }

    /// The line as that of its calls which matters most.
    pub fn state(&self) -> Value {
        let most = self.calls.values().max();
        let line = match most {
            None => "idle",
            Some(Stage::Ringing) => "ringing",
            Some(Stage::Talking) => "talking",
            Some(Stage::Holding(_)) => "holding",
            Some(Stage::Person(_)) => "person",
        };
        let since = self.calls.values().filter_map(|stage| match stage {
            Stage::Holding(since) | Stage::Person(since) => Some(since.0),
            _ => None,
        });
        let since = since.min().and_then(|at| jiff::Timestamp::from_millisecond(at.try_into().ok()?).ok());
        let switch = |on: bool| if on { "ON" } else { "OFF" };
        json!({
            "line": line,
            "person": switch(matches!(most, Some(Stage::Person(_)))),
            "hold": switch(since.is_some()),
            "held_since": since.map(|since| since.to_string()),
            "trunk": switch(!self.trunks.is_empty() && self.trunks.values().all(|up| *up)),
        })
    }
}

/// The box's way to its broker.
pub struct Broker {
    server: Server,
    ca: Option<PathBuf>,
    topic: String,
    house: House,
    /// What was observed has not been told yet.
    news: bool,
    link: Option<Link>,
    backoff: Backoff,
}

impl Broker {
    /// One that is not connected yet.
    pub fn new(server: Server, ca: Option<PathBuf>, topic: String) -> Self {
        let backoff = Backoff::new(AGAIN, AT_MOST);
        Self { server, ca, topic, house: House::default(), news: true, link: None, backoff }
    }

    /// Something happened.
    pub fn observe(&mut self, happened: &Happened) {
        self.news |= self.house.observe(happened);
    }

    /// When it wants to be called again.
    pub fn deadline(&self) -> Instant {
        match &self.link {
            Some(link) if !self.news => link.heard + PING,
            _ => self.backoff.until().unwrap_or(Instant::ZERO),
        }
    }

    /// Connects, tells the state if it is new, and keeps the connection up, as far as it is time for that; whether it was.
    ///
    /// # Errors
    /// The broker does not take it; it is tried again later.
    pub fn turn(&mut self, now: Instant) -> Result<bool, Failure> {
        if now < self.deadline() {
            return Ok(false);
        }
        let done = self.up().and_then(|()| match &mut self.link {
            Some(link) if !self.news => link.ping(),
            Some(link) => {
                link.publish(&format!("{}/state", self.topic), self.house.state().to_string(), true)
            }
            None => Ok(()),
        });
        match done {
            Ok(()) => {
                self.news = false;
                self.backoff.worked();
                Ok(true)
            }
            Err(words) => Err(self.lost(words)),
        }
    }

    /// Tells a message.
    ///
    /// # Errors
    /// The broker does not take it.
    pub fn tell(&mut self, message: &Message) -> Result<(), Failure> {
        let topic = format!("{}/event", self.topic);
        // Strings and numbers: this does not fail.
        let text = serde_json::to_string(message).unwrap_or_default();
        let told = self
            .up()
            .and_then(|()| self.link.as_mut().map_or(Ok(()), |link| link.publish(&topic, text, false)));
        told.map_err(|words| self.lost(words))
    }

    fn lost(&mut self, words: String) -> Failure {
        (self.link, self.news) = (None, true);
        self.backoff.failed(clock::now());
        Failure { words, passes: true, status: None }
    }

    /// Connects if it is not, and tells what the sensors are.
    fn up(&mut self) -> Result<(), String> {
        if self.link.is_some() {
            return Ok(());
        }
        let mut link = Link::open(&self.server, self.ca.as_deref(), &self.topic)?;
        for (topic, what) in sensors(&self.topic) {
            link.publish(&topic, what.to_string(), true)?;
        }
        link.publish(&format!("{}/status", self.topic), "online".to_owned(), true)?;
        (self.link, self.news) = (Some(link), true);
        Ok(())
    }
}

/// Where and how Home Assistant is told of each sensor.
fn sensors(topic: &str) -> Vec<(String, Value)> {
    let id = topic.replace(|c: char| !c.is_ascii_alphanumeric(), "_");
    let sensor = |kind: &str, key: &str, name: &str, class: Option<&str>| {
        let mut what = json!({
            "name": name,
            "unique_id": format!("{id}_{key}"),
            "state_topic": format!("{topic}/state"),
            "value_template": format!("{{{{ value_json.{key} }}}}"),
            "availability_topic": format!("{topic}/status"),
            "device": {"identifiers": [&id], "name": "Hold Slayer", "manufacturer": "Hold Slayer"},
        });
        if let Some(class) = class {
            what["device_class"] = json!(class);
        }
        (format!("homeassistant/{kind}/{id}/{key}/config"), what)
    };
    vec![
        sensor("sensor", "line", "Line", None),
        sensor("binary_sensor", "person", "Person is there", Some("occupancy")),
        sensor("binary_sensor", "hold", "On hold", Some("running")),
        sensor("sensor", "held_since", "On hold since", Some("timestamp")),
        sensor("binary_sensor", "trunk", "Line to the provider", Some("connectivity")),
    ]
}

trait Stream: Read + Write + Send {}
impl<T: Read + Write + Send> Stream for T {}

/// A connection.
struct Link {
    stream: Box<dyn Stream>,
    bytes: BytesMut,
    host: String,
    last_id: u16,
    heard: Instant,
}

impl Link {
    fn open(server: &Server, ca: Option<&Path>, topic: &str) -> Result<Self, String> {
        let host = server.host.clone();
        let tcp = connect(server).map_err(|error| format!("{host} is not reached: {}", error.kind()))?;
        let stream: Box<dyn Stream> = match server.security {
            Security::None => Box::new(tcp),
            Security::Tls | Security::StartTls => {
                let name = ServerName::try_from(host.clone());
                let name = name.map_err(|_| format!("{host} is no name that a certificate can be for"))?;
                let tls = ClientConnection::new(tls::client(ca)?, name).map_err(|error| error.to_string())?;
                let mut stream = StreamOwned::new(tls, tcp);
                // The handshake, so that what is wrong with it is known.
                stream.conn.complete_io(&mut stream.sock).map_err(|error| tls::explain(&error, &host))?;
                Box::new(stream)
            }
        };
        let mut link = Self { stream, bytes: BytesMut::new(), host, last_id: 0, heard: clock::now() };
        let mut hello = Connect::new(topic.replace('/', "-"));
        hello.keep_alive = KEEP_ALIVE;
        hello.last_will = Some(LastWill::new(format!("{topic}/status"), "offline", QoS::AtLeastOnce, true));
        hello.login = server.login.as_ref().map(|(user, secret)| Login::new(user.as_str(), secret.expose()));
        link.send(&Packet::Connect(hello))?;
        match link.wait(|packet| matches!(packet, Packet::ConnAck(_)))? {
            Packet::ConnAck(ack) if ack.code == ConnectReturnCode::Success => Ok(link),
            Packet::ConnAck(ack) => match ack.code {
                ConnectReturnCode::BadUserNamePassword | ConnectReturnCode::NotAuthorized => {
                    Err(format!("{} refuses user or password", link.host))
                }
                _ => Err(format!("{} refuses the connection", link.host)),
            },
            _ => Err(link.odd()),
        }
    }

    fn publish(&mut self, topic: &str, text: String, retain: bool) -> Result<(), String> {
        // MQTT 3.1.1 §2.3.1: an identifier is never 0.
        self.last_id = self.last_id.checked_add(1).unwrap_or(1);
        let id = self.last_id;
        let mut publish = Publish::new(topic, QoS::AtLeastOnce, text);
        (publish.pkid, publish.retain) = (id, retain);
        self.send(&Packet::Publish(publish))?;
        self.wait(|packet| matches!(packet, Packet::PubAck(ack) if ack.pkid == id)).map(drop)
    }

    fn ping(&mut self) -> Result<(), String> {
        self.send(&Packet::PingReq)?;
        self.wait(|packet| matches!(packet, Packet::PingResp)).map(drop)
    }

    fn send(&mut self, packet: &Packet) -> Result<(), String> {
        let mut bytes = BytesMut::new();
        packet.write(&mut bytes, PACKET).map_err(|error| format!("this cannot be told: {error}"))?;
        let sent = self.stream.write_all(&bytes).and_then(|()| self.stream.flush());
        sent.map_err(|error| self.gone(&error))
    }

    /// The packet that is waited for; others on the way are of no interest.
    fn wait(&mut self, wanted: impl Fn(&Packet) -> bool) -> Result<Packet, String> {
        let until = clock::now() + LIMIT;
        let mut part = [0; 1024];
        loop {
            match Packet::read(&mut self.bytes, PACKET) {
                Ok(packet) if wanted(&packet) => {
                    self.heard = clock::now();
                    return Ok(packet);
                }
                Ok(_) => continue,
                Err(Error::InsufficientBytes(_)) => {}
                Err(_) => return Err(self.odd()),
            }
            if clock::now() >= until {
                return Err(format!("{} does not answer in time", self.host));
            }
            match self.stream.read(&mut part) {
                Ok(0) => return Err(format!("{} has ended the connection", self.host)),
                Ok(n) => self.bytes.extend_from_slice(part.get(..n).unwrap_or_default()),
                Err(error) => return Err(self.gone(&error)),
            }
        }
    }

    fn odd(&self) -> String {
        format!("{} does not answer as an MQTT broker should", self.host)
    }

    fn gone(&self, error: &io::Error) -> String {
        match error.kind() {
            io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut => {
                format!("{} does not answer in time", self.host)
            }
            kind => format!("the connection to {} is lost: {kind}", self.host),
        }
    }
}

fn connect(server: &Server) -> io::Result<TcpStream> {
    let mut last = io::Error::from(io::ErrorKind::NotFound);
    for addr in (server.host.as_str(), server.port).to_socket_addrs()? {
        match TcpStream::connect_timeout(&addr, LIMIT) {
            Ok(stream) => {
                stream.set_read_timeout(Some(LIMIT))?;
                stream.set_write_timeout(Some(LIMIT))?;
                stream.set_nodelay(true)?;
                return Ok(stream);
            }
            Err(error) => last = error,
        }
    }
    Err(last)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_state_follows_the_calls() {
        let mut house = House::default();
        let mut after = |call: Option<u64>, event| {
            house.observe(&Happened { at: Wall(1_700_000_000_000), call: call.map(CallId), event });
            let state = house.state();
            ["line", "person", "hold", "trunk"]
                .map(|key| state[key].as_str().unwrap_or("").to_owned())
                .join(" ")
        };
        let started = || Event::CallStarted { outgoing: true, number: "1".into() };
        let ended =
            || Event::CallEnded { outcome: crate::call::Outcome::Slain, reason: String::new(), held_ms: 1 };
        assert_eq!(after(None, Event::TrunkRegistered { name: "a".into() }), "idle OFF OFF ON");
        assert_eq!(after(Some(1), started()), "ringing OFF OFF ON");
        assert_eq!(after(Some(1), Event::CallConnected), "talking OFF OFF ON");
        assert_eq!(after(Some(1), Event::HoldDetected), "holding OFF ON ON");
        assert_eq!(after(Some(2), started()), "holding OFF ON ON");
        assert_eq!(after(Some(1), Event::HumanDetected), "person ON ON ON");
        assert_eq!(after(Some(1), Event::HumanLost), "holding OFF ON ON");
        assert_eq!(after(Some(1), Event::HumanDetected), "person ON ON ON");
        assert_eq!(after(Some(1), Event::TransferComplete), "talking OFF OFF ON");
        assert_eq!(after(Some(1), ended()), "ringing OFF OFF ON");
        let failed = Event::TrunkFailed { name: "a".into(), reason: String::new() };
        assert_eq!(after(None, failed), "ringing OFF OFF OFF");
        assert_eq!(after(Some(2), ended()), "idle OFF OFF OFF");
    }

    #[test]
    fn the_time_on_hold_is_told_from_its_begin() {
        let mut house = House::default();
        let mut tell = |at, event| {
            house.observe(&Happened { at: Wall(at), call: Some(CallId(1)), event });
            house.state()["held_since"].clone()
        };
        assert_eq!(tell(1_700_000_000_000, Event::HoldDetected), "2023-11-14T22:13:20Z");
        assert_eq!(tell(1_700_000_060_000, Event::HumanDetected), "2023-11-14T22:13:20Z");
        assert_eq!(tell(1_700_000_120_000, Event::TransferComplete), Value::Null);
    }
}
