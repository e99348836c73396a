//! Paired phones in the running box: let in, waited for, taken away.

use super::control::Control;
use super::core::Event;
use crate::call::{Peer, Snapshot};
use crate::config::{PHONE_RINGS, PHONES};
use crate::phone::pairing::Pending;
use crate::sip::{Account, AccountKind, Identity, Side, Srtp};
use crate::store::{PairedPhone, Store};
use crate::trunk::Rules;
use crate::units::{AccountId, Instant};

/// The paired phones, and which of them have not registered yet.
#[derive(Default)]
pub(super) struct Paired {
    phones: Vec<(AccountId, PairedPhone)>,
    pending: Pending,
}

impl Paired {
    /// A number and an event for a phone, beside `accounts` of the file. Refused with the reason in words.
    pub(super) fn admit(
        &mut self,
        accounts: &[Account],
        names: &[String],
        phone: PairedPhone,
    ) -> Result<Event<'static>, String> {
        let file = accounts.iter().filter(|account| account.side == Side::Phone).count();
        if file + self.phones.len() >= PHONES {
            return Err(format!(
                "the box has {PHONES} phones, which is the most it can: take one away first"
            ));
        }
        let same = |name: &String| name.to_lowercase() == phone.name.to_lowercase();
        if names.iter().chain(self.phones.iter().map(|(_, p)| &p.name)).any(same) {
            return Err(format!(
                "there is a phone or a line called {} already: choose another name",
                phone.name
            ));
        }
        let users = accounts.iter().filter_map(|account| account.kind.user_here());
        if users.chain(self.phones.iter().map(|(_, p)| p.user.as_str())).any(|user| user == phone.user) {
            return Err("there is a phone with this user already: try again".into());
        }
        let taken = |id: &AccountId| {
            accounts.iter().any(|a| a.id == *id) || self.phones.iter().any(|(other, _)| other == id)
        };
        let free = (0..=u8::MAX).map(AccountId).find(|id| !taken(id));
        let id = free.ok_or("the box has no number left for another phone")?;
        let kind = AccountKind::Paired { user: phone.user.clone(), ha1: phone.ha1.clone() };
        let account = Account { id, side: Side::Phone, kind, identity: Identity::default(), srtp: Srtp::Off };
        let peer = Peer {
            wideband: false,
            id,
            side: Side::Phone,
            name: phone.name.clone(),
            channels: usize::from(u16::MAX),
            is_static: false,
            rings: PHONE_RINGS,
            listens: false,
            own: false,
            rules: Rules::default(),
        };
        self.phones.push((id, phone));
        Ok(Event::Admit(Box::new((account, peer))))
    }

    fn remove(&mut self, user: &str) -> Option<(AccountId, PairedPhone)> {
        let at = self.phones.iter().position(|(_, phone)| phone.user == user)?;
        self.pending.end(user);
        Some(self.phones.remove(at))
    }

    /// Phones that have registered for the first time, to be written down so.
    fn arrived(&mut self, snapshot: &Snapshot) -> Vec<PairedPhone> {
        let mut arrived = Vec::new();
        for (_, phone) in &mut self.phones {
            let up = snapshot.phones.iter().any(|peer| peer.up && peer.name == phone.name);
            if up && self.pending.end(&phone.user) {
                phone.used = true;
                arrived.push(phone.clone());
            }
        }
        arrived
    }
}

/// The phones paired before this start. Those that never registered have lapsed: nobody knows their passwords any more.
pub(super) fn known(store: &Store) -> Vec<PairedPhone> {
    let all = store.phones().unwrap_or_else(|error| {
        tracing::error!(%error, "the paired phones cannot be read");
        Vec::new()
    });
    let (used, unused): (Vec<_>, Vec<_>) = all.into_iter().partition(|phone| phone.used);
    for phone in unused {
        tracing::warn!(name = phone.name, "the pairing of a phone that never registered has lapsed");
        if let Err(error) = store.remove_phone(&phone.user) {
            tracing::error!(%error, "it is still written down");
        }
    }
    used
}

impl Control {
    /// The owner has paired a phone.
    pub(super) fn pair(&mut self, now: Instant, phone: PairedPhone) -> Result<(), String> {
        let user = phone.user.clone();
        let event = self.paired.admit(&self.accounts, &self.all_names, phone)?;
        self.paired.pending.begin(now, &user);
        self.event(event);
        Ok(())
    }

    /// The owner has taken a phone away, or its pairing has lapsed.
    pub(super) fn unpair(&mut self, user: &str) -> Result<(), String> {
        let (id, _) = self.paired.remove(user).ok_or("there is no such phone")?;
        self.event(Event::Dismiss(id));
        Ok(())
    }

    /// Takes away the pairings that nobody has used.
    pub(super) fn lapse(&mut self, now: Instant) {
        for user in self.paired.pending.lapsed(now) {
            tracing::warn!(user, "the pairing of a phone that never registered has lapsed");
            let _ = self.unpair(&user);
            self.write(move |store| store.remove_phone(&user));
        }
    }

    /// Writes down who has registered for the first time.
    pub(super) fn note_arrivals(&mut self, snapshot: &Snapshot) {
        for phone in self.paired.arrived(snapshot) {
            tracing::info!(name = phone.name, "a paired phone has registered for the first time");
            self.write(move |store| store.put_phone(&phone));
        }
    }

    /// The disk is not waited for.
    fn write(&self, what: impl FnOnce(&Store) -> Result<(), crate::store::Error> + Send + 'static) {
        let Some(store) = self.store.clone() else { return };
        tokio::task::spawn_blocking(move || {
            if let Err(error) = what(&store) {
                tracing::error!(%error, "a paired phone was not written down");
            }
        });
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;
    use crate::call::PeerView;
    use crate::units::Wall;

    fn phone(name: &str) -> PairedPhone {
        let user = format!("{}-1", name.to_lowercase());
        PairedPhone { name: name.into(), user, ha1: "x".into(), adapter: None, paired: Wall(0), used: false }
    }

    fn in_file() -> Vec<Account> {
        let kind = AccountKind::RegistersHere { user: "hall".into(), secret: "s".into() };
        vec![Account {
            id: AccountId(0),
            side: Side::Phone,
            kind,
            identity: Identity::default(),
            srtp: Srtp::Off,
        }]
    }

    #[test]
    fn names_users_and_numbers_are_told_apart() {
        let (file, names) = (in_file(), ["hall".to_owned()]);
        let mut paired = Paired::default();
        let id = |event: Event<'_>| match event {
            Event::Admit(phone) => phone.0.id.0,
            other => panic!("{other:?}"),
        };
        assert_eq!(paired.admit(&file, &names, phone("Attic")).map(id), Ok(1));
        assert_eq!(paired.admit(&file, &names, phone("Desk")).map(id), Ok(2));
        assert!(paired.admit(&file, &names, phone("Hall")).unwrap_err().contains("another name"));
        assert!(paired.admit(&file, &names, phone("attic")).unwrap_err().contains("another name"));
        let same_user = PairedPhone { user: "hall".into(), ..phone("Den") };
        assert!(paired.admit(&file, &names, same_user).unwrap_err().contains("user"));
        assert_eq!(paired.remove("attic-1").map(|(id, _)| id), Some(AccountId(1)));
        assert_eq!(paired.admit(&file, &names, phone("Den")).map(id), Ok(1), "the number is free again");
        let more = (0..PHONES).map(|n| paired.admit(&file, &names, phone(&format!("p{n}"))));
        assert_eq!(more.filter(Result::is_ok).count(), PHONES - 3);
    }

    #[test]
    fn a_phone_arrives_once() {
        let mut paired = Paired::default();
        paired.admit(&in_file(), &[], phone("Attic")).unwrap();
        paired.pending.begin(Instant::ZERO, "attic-1");
        let seen = |up| {
            let peer = PeerView {
                name: "Attic".into(),
                up,
                status: String::new(),
                registration: Default::default(),
            };
            Snapshot { phones: vec![peer], ..Snapshot::default() }
        };
        assert_eq!(paired.arrived(&seen(false)), []);
        assert_eq!(paired.arrived(&seen(true)), [PairedPhone { used: true, ..phone("Attic") }]);
        assert_eq!(paired.arrived(&seen(true)), []);
    }
}
