//! Who is joined with whom, as media is told, and what must never be: two of the house with one far end, one of the house
//! with two far ends, a join that takes another's partner away. In no test that watches this a conference is asked for.

use hold_slayer::media::{MediaCommand, Seat};
use hold_slayer::units::PortId;
use std::collections::BTreeMap;
use std::net::IpAddr;

/// The ports that are open, and their joins.
#[derive(Default)]
pub struct Joins {
    /// Whether it is one of the house.
    open: BTreeMap<PortId, bool>,
    with: BTreeMap<PortId, PortId>,
    rooms: BTreeMap<PortId, (PortId, Seat)>,
    /// What should not have been.
    pub mistakes: Vec<String>,
}

impl Joins {
    /// Takes note of what media is told.
    pub fn note(&mut self, command: &MediaCommand, is_house: impl Fn(IpAddr) -> bool) {
        match *command {
            MediaCommand::Open { port, stream, .. } => {
                if self.open.insert(port, is_house(stream.remote.ip())).is_some() {
                    self.mistakes.push(format!("{port:?} is opened twice"));
                }
            }
            MediaCommand::Close(port) => {
                self.part(port);
                self.open.remove(&port);
            }
            MediaCommand::Part(port) => self.part(port),
            MediaCommand::Join(a, b) => {
                for (one, other) in [(a, b), (b, a)] {
                    if self.with.get(&one).is_some_and(|partner| *partner != other) {
                        self.mistakes.push(format!("{other:?} takes {one:?} from {:?}", self.with.get(&one)));
                    }
                }
                self.part(a);
                self.part(b);
                self.with.extend([(a, b), (b, a)]);
            }
            MediaCommand::Meet { port, room, seat } => {
                self.part(port);
                self.rooms.insert(port, (room, seat));
            }
            _ => return,
        }
        self.check(command);
    }

    /// No port is open.
    pub fn are_over(&self) -> bool {
        self.open.is_empty()
    }

    fn part(&mut self, port: PortId) {
        if let Some(partner) = self.with.remove(&port) {
            self.with.remove(&partner);
        }
        self.rooms.remove(&port);
    }

    /// Whom this port hears.
    fn heard_by(&self, port: PortId) -> Vec<PortId> {
        let room = self.rooms.get(&port).map(|(room, _)| *room);
        let talks = |(other, (of, seat)): (&PortId, &(PortId, Seat))| {
            (Some(*of) == room && *seat == Seat::Talks && *other != port).then_some(*other)
        };
        self.rooms.iter().filter_map(talks).chain(self.with.get(&port).copied()).collect()
    }

    fn check(&mut self, command: &MediaCommand) {
        for (port, house) in &self.open {
            let others = self.heard_by(*port);
            let across = others.iter().filter(|other| self.open.get(other).is_some_and(|is| is != house));
            if across.count() > 1 {
                self.mistakes.push(format!("{port:?} hears {others:?} after {command:?}"));
            }
        }
    }
}
