//! The owner's telephones outside the house: they ring through a trunk for the person whom a held call has reached.
//!
//! Who answers there may be a machine that records messages, so a key must be pressed before he is joined. Each takes a
//! channel of a trunk and is dialled by the household's own rules: what the guard refuses does not ring.

use super::conversation::{Call, State};
use super::desk::Desk;
use super::dialling::wanted;
use super::leg::Role;
use crate::media::{MediaCommand, SoundId};
use crate::phone::hunt::Order;
use crate::sip::{Caller, Cause, Manner};
use crate::sounds::Prompt;
use crate::units::{Codec, Digit};
use core::time::Duration;

/// Who has not pressed the key by then is a machine.
const KEY_WAIT: Duration = Duration::from_secs(20);
/// The key that puts him through.
const YES: char = '1';

impl Call {
    /// Rings every number outside the house that can be rung, or the next of them, where the house's phones ring in turn.
    pub(super) fn ring_outside(&mut self, desk: &mut Desk) {
        self.also_at = None;
        let (in_turn, apart) = (desk.plan.order == Order::InTurn, desk.plan.also_after);
        let mut left = desk.plan.also_ring.clone().into_iter().skip(self.also_rung);
        if in_turn {
            self.hush_outside(desk);
        }
        while let Some(number) = left.next() {
            self.also_rung += 1;
            let rings = self.ring_number(desk, &number);
            if let Err(why) = &rings {
                self.decide(desk, "no ring", format!("{number}: {why}"));
            } else if in_turn && !apart.is_zero() && left.next().is_some() {
                self.also_at = Some(desk.now + apart);
                return;
            }
        }
    }

    /// Who has not answered outside has had his turn; whom the box asks for the key has answered.
    fn hush_outside(&mut self, desk: &mut Desk) {
        let rings = |leg: &mut super::leg::Leg| leg.outside && leg.role == Role::Rings;
        let over: Vec<_> = self.near.extract_if(.., rings).collect();
        over.into_iter().for_each(|leg| desk.hang_up(leg, Cause::Cancelled));
    }

    fn ring_number(&mut self, desk: &mut Desk, number: &str) -> Result<(), String> {
        let wanted = wanted(&desk.plan, number).ok_or("it is no number")?;
        if let Some(why) = wanted.refused {
            return Err(why);
        }
        if wanted.emergency {
            return Err("nobody is called for help by a held call".into());
        }
        let (route, through) = desk.route(&[], false);
        let trunk = route.trunk().ok_or("no channel of a line is free")?;
        let rules = desk.peer(trunk).map(|peer| peer.rules.clone()).unwrap_or_default();
        let line = &desk.plan.dialling;
        let own = line.numbering.write(&rules.number, rules.form);
        let to = rules.dialled(line.numbering, &wanted.number);
        let caller = Caller { name: String::new(), number: own, private: false };
        let codec = self.far.as_ref().and_then(|far| far.session).map_or(Codec::Pcmu, |s| s.codec);
        let manner = Manner { alert: None, ..self.manner() };
        let leg = desk.call(self.id, trunk, &to, caller, codec, (Role::Rings, manner));
        let mut leg = leg.ok_or("the box has no port left")?;
        leg.outside = true;
        self.near.push(leg);
        self.decide(desk, "ring outside", format!("{number}, {through}"));
        Ok(())
    }

    /// Somebody, or a machine, has answered outside.
    pub(super) fn ask_outside(&mut self, desk: &mut Desk, at: usize) {
        let Some(leg) = self.near.get_mut(at) else { return };
        leg.role = Role::Asked;
        leg.asked_until = Some(desk.now + KEY_WAIT);
        let sound = SoundId(Prompt::PressOne.index());
        desk.media(MediaCommand::Play { port: leg.port, sound, repeat: true });
    }

    /// A key from whoever answered outside.
    pub(super) fn outside_key(&mut self, desk: &mut Desk, at: usize, digit: Digit) {
        if digit.as_char() != YES {
            return;
        }
        if let Some(leg) = self.near.get_mut(at) {
            leg.asked_until = None;
            desk.media(MediaCommand::Quiet(leg.port));
        }
        self.owner_answered(desk, at);
    }

    /// It is time to ring outside, or nobody has pressed the key.
    pub(super) fn outside_timeout(&mut self, desk: &mut Desk) {
        if self.also_at.take_if(|at| desk.now >= *at).is_some() && matches!(self.state, State::Held(_)) {
            self.ring_outside(desk);
        }
        let now = desk.now;
        let late = |leg: &super::leg::Leg| leg.asked_until.is_some_and(|until| now >= until);
        while let Some(at) = self.near.iter().position(late) {
            let leg = self.near.swap_remove(at);
            desk.hang_up(leg, Cause::Normal);
            self.causes.push(Cause::NoAnswer);
            self.decide(desk, "no answer", "nobody pressed the key outside: it may be a machine".into());
            self.ring_ended(desk);
        }
    }

    /// Gives the channel of a telephone that only rings to somebody who needs it more. False: none rings.
    pub(super) fn yield_channel(&mut self, desk: &mut Desk, trunk: Option<crate::units::AccountId>) -> bool {
        let waits = |leg: &super::leg::Leg| {
            leg.outside
                && matches!(leg.role, Role::Rings | Role::Asked)
                && trunk.is_none_or(|t| leg.account == t)
        };
        let Some(at) = self.near.iter().position(waits) else { return false };
        let leg = self.near.swap_remove(at);
        desk.hang_up(leg, Cause::Cancelled);
        // None of the others takes its channel.
        self.also_at = None;
        self.causes.push(Cause::Congestion);
        self.decide(desk, "no ring", "the line is needed for an emergency call".into());
        self.ring_ended(desk);
        true
    }
}
