//! Transfers: a phone puts its call through to somebody else, or takes another phone's call over.
//!
//! The box is in the middle of every call, so it needs no help of the far side: who is called instead is called on a
//! trunk as if the phone had dialled him, and then the two far ends are joined. Only phones may ask; a held call, which
//! has no phone to ask for it, stays held.

use super::begin::{Arrival, BOX_FULL, LINES_FULL, NO_LINE};
use super::conversation::{Call, State};
use super::desk::Desk;
use super::dialling::wanted;
use super::leg::{Leg, Role};
use super::notice::Notice;
use super::policy::in_words;
use super::record::Outcome;
use super::switchboard::Switchboard;
use crate::media::{MediaCommand, Tone};
use crate::phone::gesture::Gesture;
use crate::sip::{Caller, Cause, Command, Progress};
use crate::trunk::route::Route;
use crate::units::{AccountId, CallId, LegId};
use core::time::Duration;

/// Whoever is called for a transfer rings no longer than this; then the call comes back.
const RINGS: Duration = Duration::from_secs(60);

/// A call that was placed so that another one can be put through to it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Transfer {
    /// The one that waits.
    from: CallId,
    /// The leg whose phone is told how it goes.
    by: LegId,
    rang: bool,
}

/// A call that a provider was asked to put through.
#[derive(Clone, Debug)]
pub(super) struct Referral {
    from: CallId,
    /// The leg whose phone is told how it goes.
    by: LegId,
    to: Onto,
    asked_by: String,
}

/// Onto what a call is put through.
#[derive(Clone, Debug)]
enum Onto {
    Number(String),
    Call(CallId),
}

/// Why there is no transfer: told to the phone, and kept in the record.
type Refusal = (Cause, String);

fn refusal<T>(cause: Cause, why: &str) -> Result<T, Refusal> {
    Err((cause, why.into()))
}

impl Switchboard {
    /// A peer asks to be put through: to a number, or to whoever is in the call of another of its legs.
    pub(super) fn refer(&mut self, leg: LegId, to: &str, other: Option<LegId>, by: &str) {
        let done = match other {
            None => self.put_through_to_number(leg, to, by),
            Some(other) => self.put_through_to_call(leg, other),
        };
        if let Err((cause, why)) = done {
            self.desk.sip(Command::Report(leg, Progress::Failed(cause)));
            if let Some(id) = self.desk.legs.get(&leg).copied() {
                self.with(id, |call, desk| call.decide(desk, "no transfer", why));
            }
        }
    }

    /// The call whose far side this phone may give away.
    fn transferable(&self, leg: LegId) -> Result<CallId, Refusal> {
        let id = self.desk.legs.get(&leg).copied();
        let Some(call) = id.and_then(|id| self.calls.get(&id)) else {
            return refusal(Cause::Rejected, "there is no such call");
        };
        let inside = call.near.iter().any(|near| near.id == leg && !near.outside);
        if !inside || call.transferred {
            // Whoever could do this from outside would telephone at the household's expense.
            return refusal(Cause::Rejected, "only a phone of the house may put a call through");
        }
        match &call.state {
            _ if call.emergency => refusal(Cause::Rejected, "an emergency call is never put through"),
            State::Held(_) => refusal(Cause::Rejected, "the box holds the call: take it back first"),
            _ if call.room.is_some() => refusal(Cause::Rejected, "others are in a conference with it"),
            _ if call.onward => refusal(Cause::Rejected, "the call is being put through already"),
            State::Talking if call.near.iter().any(|l| l.id == leg && l.role == Role::Talks) => Ok(call.id),
            _ => refusal(Cause::Rejected, "nobody has answered yet"),
        }
    }

    pub(super) fn put_through_to_number(&mut self, leg: LegId, to: &str, by: &str) -> Result<(), Refusal> {
        let from = self.transferable(leg)?;
        let Some(wanted) = wanted(&self.desk.plan, to) else {
            return refusal(Cause::NoSuchNumber, "what it should be put through to is no number");
        };
        if let Some(why) = &wanted.refused {
            return Err((Cause::Rejected, why.clone()));
        }
        if !wanted.emergency
            && let Some((far, rules)) = self.taken_by_provider(from)
        {
            let numbering = self.desk.plan.dialling.numbering;
            self.desk.sip(Command::Refer(far, rules.dialled(numbering, &wanted.number), None));
            self.ask_provider(
                far,
                Referral { from, by: leg, to: Onto::Number(to.into()), asked_by: by.into() },
            );
            return Ok(());
        }
        self.place_transfer(from, leg, &wanted, by)
    }

    /// Calls whoever the call is put through to: the two will be joined here.
    fn place_transfer(
        &mut self,
        from: CallId,
        leg: LegId,
        wanted: &super::dialling::Wanted,
        by: &str,
    ) -> Result<(), Refusal> {
        let (trunk, through) = self.line_for(from, wanted.emergency)?;
        let mut call = self.new_call(true, &wanted.number);
        (call.emergency, call.private) = (wanted.emergency, wanted.private);
        let asked = if by.is_empty() { String::new() } else { format!(" for {by}") };
        call.decide(&mut self.desk, "dial", format!("call {} is put through{asked}, {through}", from.0));
        let target = call.id;
        self.calls.insert(target, Box::new(call));
        self.begin_transfer(target, Transfer { from, by: leg, rang: false });
        self.call_trunk(target, trunk);
        Ok(())
    }

    /// A free channel and port for a transfer. For an emergency call others make room, but not the one that waits.
    fn line_for(&mut self, from: CallId, emergency: bool) -> Result<(AccountId, String), Refusal> {
        let (route, through) = self.desk.route(&[], emergency);
        let trunk = match route {
            Route::NoTrunk => return refusal(Cause::Unavailable, NO_LINE),
            Route::Full => return refusal(Cause::Congestion, LINES_FULL),
            Route::PreEmpt(trunk) | Route::Trunk(trunk) => trunk,
        };
        self.spare(from, emergency);
        let line = !matches!(route, Route::PreEmpt(_)) || self.pre_empt(Some(trunk));
        while emergency && self.desk.free_ports() == 0 && self.pre_empt(None) {}
        if line && self.desk.free_ports() > 0 {
            return Ok((trunk, through));
        }
        self.spare(from, false);
        refusal(Cause::Congestion, if line { BOX_FULL } else { LINES_FULL })
    }

    fn spare(&mut self, id: CallId, emergency: bool) {
        if let Some(call) = self.calls.get_mut(&id) {
            call.emergency = emergency;
        }
    }

    fn begin_transfer(&mut self, target: CallId, transfer: Transfer) {
        self.transfers.insert(target, transfer);
        self.desk.sip(Command::Report(transfer.by, Progress::Trying));
        let number = self.calls.get(&target).map(|c| c.record.number.clone()).unwrap_or_default();
        self.with(target, |call, desk| {
            call.gives_up = (!call.emergency).then(|| desk.now + RINGS);
        });
        self.with(transfer.from, |call, desk| {
            call.onward = true;
            call.decide(desk, "transfer", format!("the phone asked to put it through to {number}"));
            call.comfort(desk);
        });
    }

    fn put_through_to_call(&mut self, leg: LegId, other: LegId) -> Result<(), Refusal> {
        let from = self.transferable(leg)?;
        let target = self.desk.legs.get(&other).copied().filter(|target| *target != from);
        let Some(call) = target.and_then(|id| self.calls.get(&id)) else {
            return refusal(Cause::Rejected, "a call cannot be put through to itself");
        };
        let target = call.id;
        if matches!(call.state, State::Dialing) && !call.emergency && !self.transfers.contains_key(&target) {
            // The phone did not wait for the answer: the box does.
            self.begin_transfer(target, Transfer { from, by: leg, rang: false });
            self.with(target, |call, desk| call.leave(desk));
            return Ok(());
        }
        self.transferable(other)?;
        if let (Some((far, _)), Some((theirs, _))) =
            (self.taken_by_provider(from), self.taken_by_provider(target))
            && self.account_of(far) == self.account_of(theirs)
        {
            self.desk.sip(Command::Refer(far, String::new(), Some(theirs)));
            let to = Onto::Call(target);
            self.ask_provider(far, Referral { from, by: leg, to, asked_by: String::new() });
            return Ok(());
        }
        self.desk.sip(Command::Report(leg, Progress::Done));
        self.join_far_ends(from, target);
        Ok(())
    }

    fn account_of(&self, far: LegId) -> Option<AccountId> {
        let call = self.desk.legs.get(&far).and_then(|id| self.calls.get(id))?;
        call.far.as_ref().map(|leg| leg.account)
    }

    /// The far leg of a call, if its trunk puts calls through itself.
    fn taken_by_provider(&self, id: CallId) -> Option<(LegId, crate::trunk::Rules)> {
        let far = self.calls.get(&id)?.far.as_ref().filter(|far| far.up)?;
        let rules = &self.desk.peer(far.account)?.rules;
        rules.refer.then(|| (far.id, rules.clone()))
    }

    fn ask_provider(&mut self, far: LegId, referral: Referral) {
        self.desk.sip(Command::Report(referral.by, Progress::Trying));
        self.with(referral.from, |call, desk| {
            call.onward = true;
            call.decide(desk, "transfer", "the provider is asked to put it through".into());
        });
        self.referrals.insert(far, referral);
    }

    /// A provider tells how the transfer goes that it was asked for. What it does not do, the box does.
    pub(super) fn provider_tells(&mut self, far: LegId, progress: Progress) {
        let Some(referral) = self.referrals.get(&far).cloned() else { return };
        if !progress.is_final() {
            return self.desk.sip(Command::Report(referral.by, progress));
        }
        self.referrals.remove(&far);
        if progress == Progress::Done {
            self.desk.sip(Command::Report(referral.by, Progress::Done));
            let other = match referral.to {
                Onto::Call(id) => Some(id),
                Onto::Number(_) => None,
            };
            for id in [Some(referral.from), other].into_iter().flatten() {
                self.with(id, |call, desk| {
                    call.end(desk, call.talked(), "put through by the provider", Cause::Normal);
                });
            }
            return;
        }
        self.with(referral.from, |call, desk| {
            call.onward = false;
            call.decide(desk, "transfer", "the provider does not put it through: the box does".into());
        });
        let done = match &referral.to {
            Onto::Number(number) => match wanted(&self.desk.plan, number) {
                Some(wanted) => self.place_transfer(referral.from, referral.by, &wanted, &referral.asked_by),
                None => refusal(Cause::NoSuchNumber, "what it should be put through to is no number"),
            },
            Onto::Call(target) if self.calls.contains_key(target) => {
                self.desk.sip(Command::Report(referral.by, Progress::Done));
                self.join_far_ends(referral.from, *target);
                Ok(())
            }
            Onto::Call(_) => refusal(Cause::Unavailable, "the other call has ended"),
        };
        if let Err((cause, why)) = done {
            self.desk.sip(Command::Report(referral.by, Progress::Failed(cause)));
            self.with(referral.from, |call, desk| {
                call.onward = true;
                call.decide(desk, "no transfer", why);
                call.transfer_failed(desk, cause);
            });
        }
    }

    /// A call is over. If its provider was to put it through, and has taken it from us, he has done so.
    pub(super) fn left_to_provider(&mut self, id: CallId) {
        let asked = self.referrals.iter().find(|(_, referral)| referral.from == id);
        if let Some((far, by)) = asked.map(|(far, referral)| (*far, referral.by)) {
            self.referrals.remove(&far);
            self.desk.sip(Command::Report(by, Progress::Done));
        }
    }

    /// Whoever is called for a transfer rings.
    pub(super) fn transfer_rings(&mut self, leg: LegId) {
        let target = self.desk.legs.get(&leg).copied();
        let Some(transfer) = target.and_then(|id| self.transfers.get_mut(&id)) else { return };
        if !core::mem::replace(&mut transfer.rang, true) {
            let by = transfer.by;
            self.desk.sip(Command::Report(by, Progress::Ringing));
        }
    }

    /// Whoever is called for a transfer has answered.
    pub(super) fn transfer_answered(&mut self, leg: LegId) {
        let Some(target) = self.desk.legs.get(&leg).copied() else { return };
        if let Some(transfer) = self.transfers.remove(&target) {
            self.desk.sip(Command::Report(transfer.by, Progress::Done));
            self.join_far_ends(transfer.from, target);
        }
    }

    /// A call is over: if it was placed for a transfer, that has failed; if it waited for one, nobody is to be called.
    pub(super) fn transfer_over(&mut self, id: CallId, cause: Cause) {
        if let Some(transfer) = self.transfers.remove(&id) {
            self.desk.sip(Command::Report(transfer.by, Progress::Failed(cause)));
            self.with(transfer.from, |call, desk| call.transfer_failed(desk, cause));
        }
        let waited_for = self.transfers.iter().find(|(_, transfer)| transfer.from == id);
        if let Some((target, by)) = waited_for.map(|(target, transfer)| (*target, transfer.by)) {
            self.transfers.remove(&target);
            self.desk.sip(Command::Report(by, Progress::Failed(Cause::Cancelled)));
            self.with(target, |call, desk| {
                let why = "the call that was to be put through has ended";
                call.end(desk, Outcome::Cancelled, why, Cause::Cancelled);
            });
        }
    }

    /// The far side of one call is given to another, whose phone leaves.
    fn join_far_ends(&mut self, keep: CallId, target: CallId) {
        let Some(mut gone) = self.calls.remove(&target) else { return };
        let Some(far) = gone.far.take() else { return };
        gone.end(
            &mut self.desk,
            gone.talked(),
            &format!("put through: it goes on as call {}", keep.0),
            Cause::Normal,
        );
        if gone.emergency {
            self.help_may_call_back();
        }
        self.desk.stop_listening(far.port, gone.met);
        self.desk.legs.insert(far.id, keep);
        self.desk.port_calls.insert(far.port, keep);
        let number = gone.record.number;
        let left = self.with(keep, |call, desk| call.put_through(desk, far, &number)).unwrap_or_default();
        for leg in left {
            self.desk.legs.remove(&leg.id);
            self.desk.port_calls.remove(&leg.port);
            self.notices.insert(leg.id, Notice::leaving(&self.desk, leg));
        }
    }

    /// A phone wants to be in the place of another, RFC 3891.
    pub(super) fn take_over(&mut self, arrival: &Arrival, old: LegId) {
        let call = self.desk.legs.get(&old).and_then(|id| self.calls.get(id));
        let id = call.filter(|call| call.may_be_taken_over(old)).map(|call| call.id);
        let Some(id) = id else {
            return self.desk.sip(Command::Hangup(arrival.leg, Cause::Rejected));
        };
        self.desk.noticed();
        self.lend(id, arrival, |call, desk, leg| call.taken_over(desk, old, leg));
    }
}

impl Call {
    /// How it ended if it ends here, both sides having talked.
    pub(super) fn talked(&self) -> Outcome {
        if self.slain.is_some() || self.served { Outcome::Slain } else { Outcome::Talked }
    }

    /// A call that has come back was talked in, whatever becomes of it.
    pub(super) fn unless_talked(&self, outcome: Outcome) -> Outcome {
        if self.record.answered.is_some() { self.talked() } else { outcome }
    }

    /// The phone goes before anybody has answered it; the call goes on without it.
    fn leave(&mut self, desk: &mut Desk) {
        for near in self.near.drain(..) {
            desk.hang_up(near, Cause::Cancelled);
        }
    }

    /// Whoever waits to be put through, and has nobody to talk to, hears it ring.
    pub(super) fn comfort(&self, desk: &mut Desk) {
        let alone = !self.near.iter().any(|l| l.role == Role::Talks && !l.parked);
        if let (true, true, Some(far)) = (self.onward, alone, &self.far) {
            desk.media(MediaCommand::Tone(far.port, Tone::Ringback));
        }
    }

    /// The phone has hung up, as most do once they have asked.
    pub(super) fn left_behind(&mut self, desk: &mut Desk) {
        self.comfort(desk);
        self.decide(desk, "wait", "the phone has hung up while the call is being put through".into());
    }

    /// The phone has its call again; if it has gone, the phones of the house ring.
    fn transfer_failed(&mut self, desk: &mut Desk, cause: Cause) {
        (self.onward, self.emergency) = (false, false);
        self.decide(desk, "no transfer", in_words(cause));
        if !self.near.is_empty() {
            if let Some(far) = self.far.as_ref().filter(|_| self.near.iter().all(|l| l.parked)) {
                desk.media(MediaCommand::Quiet(far.port));
            }
            return;
        }
        self.state = State::Incoming(desk.now);
        self.causes.clear();
        let number = &self.record.number;
        let caller = Caller { name: format!("BACK: {number}"), number: number.clone(), private: false };
        self.decide(desk, "ring", "the call comes back: it could not be put through".into());
        self.ring_phones(desk, &caller, None);
        if self.near.is_empty() {
            self.end(desk, self.talked(), "no phone could be rung", Cause::Unavailable);
        }
    }

    /// The far side talks with this leg from now on. Returns the legs of the house, which are silent.
    fn put_through(&mut self, desk: &mut Desk, other: Leg, number: &str) -> Vec<Leg> {
        let left = core::mem::take(&mut self.near);
        left.iter().for_each(|leg| desk.media(MediaCommand::Part(leg.port)));
        if let Some(far) = &self.far {
            desk.media(MediaCommand::Quiet(far.port));
        }
        (self.onward, self.transferred) = (false, true);
        self.unlearn_menu(desk);
        // Keys are the far ends' own business.
        self.gesture = Gesture::new(&desk.plan.codes.gesture, &desk.plan.codes.hold);
        let parked = other.session.is_some_and(|session| !session.send);
        self.near.push(Leg { role: Role::Talks, parked, ..other });
        self.connect(desk);
        self.decide(desk, "join", format!("put through to {number}"));
        left
    }

    /// A phone that talks or rings may give its place to another. The confirmation of a hold is for who asked for it.
    fn may_be_taken_over(&self, old: LegId) -> bool {
        let role = self.near.iter().find(|l| l.id == old).map(|l| l.role);
        matches!(
            (&self.state, role),
            (State::Talking, Some(Role::Talks)) | (State::Incoming(_) | State::Held(_), Some(Role::Rings))
        )
    }

    /// This leg is in the place of the old one.
    fn taken_over(&mut self, desk: &mut Desk, old: LegId, leg: Leg) {
        const WHY: &str = "another phone took the call over";
        if matches!(self.state, State::Held(_)) {
            return self.join_owner(desk, leg, WHY);
        }
        if let Some(at) = self.near.iter().position(|l| l.id == old) {
            let gone = self.near.swap_remove(at);
            let cause = if gone.role == Role::Rings { Cause::Cancelled } else { Cause::Normal };
            desk.hang_up(gone, cause);
        }
        self.near.push(leg);
        let at = self.near.len() - 1;
        self.answer_near(desk, at);
        if matches!(self.state, State::Incoming(_)) {
            self.phone_answered(desk, at);
        } else {
            self.connect(desk);
        }
        self.decide(desk, "take over", WHY.into());
    }
}
