//! The house, the company and the phone on one clock.

use super::handset::Hand;
use super::joins::Joins;
use super::net::{Net, Weather};
use core::time::Duration;
use hold_slayer::app::core::{Core, Effect, Event};
use hold_slayer::app::ear::{Ears, Told};
use hold_slayer::call::{
    Answer, Errand, Happened, Outcome, Peer, Phase, Plan, Record, Recording, Redialling, Request, Snapshot,
    StudioOrder, Waits,
};
use hold_slayer::demo::company::{Desk, Step as Far};
use hold_slayer::demo::ear::{Ear, Kind};
use hold_slayer::demo::endpoint::Setup;
use hold_slayer::demo::phone::Step as Owner;
use hold_slayer::demo::{Company, Fact, Narration, NetInput, NetOutput, Phone, Who};
use hold_slayer::dsp::g711;
use hold_slayer::dsp::tone::Country;
use hold_slayer::listen::lore::Lore;
use hold_slayer::listen::words::Language;
use hold_slayer::listen::{Heard, Settings};
use hold_slayer::media::{self, Media, MediaCommand, Outlets};
use hold_slayer::phone::dial::Codes;
use hold_slayer::phone::handset::Input;
use hold_slayer::phone::hunt::Order;
use hold_slayer::sip::{Account, AccountKind, Hop, Identity, Side, Srtp, Upstream, ua};
use hold_slayer::slay::advice::{Act, Advice, Asked, Question};
use hold_slayer::slay::book::Entry;
use hold_slayer::slay::schedule::Appointment;
use hold_slayer::slay::talk::{Brief, Limits};
use hold_slayer::slay::{Policy, Unanswered, Voicemail};
use hold_slayer::sounds::Prompt;
use hold_slayer::trunk::number::Numbering;
use hold_slayer::trunk::toll::Allowed;
use hold_slayer::trunk::{Dialling, Rules};
use hold_slayer::units::{AccountId, CallId, Codec, Instant, PortId, Tick, Wall};
use std::collections::{BTreeMap, VecDeque};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

pub const BOX: IpAddr = IpAddr::V4(Ipv4Addr::new(10, 0, 0, 1));
pub const PHONE: IpAddr = IpAddr::V4(Ipv4Addr::new(10, 0, 0, 2));
pub const COMPANY: IpAddr = IpAddr::V4(Ipv4Addr::new(10, 0, 0, 3));
/// The date at the start.
pub const EPOCH: Wall = Wall(1_700_000_000_000);
const NOBODY: IpAddr = IpAddr::V4(Ipv4Addr::new(10, 0, 0, 9));
pub const TRUNK: AccountId = AccountId(0);
const DEAD: AccountId = AccountId(2);
pub const SIP: u16 = 5060;
const RTP: u16 = 16_000;
pub const FAR_RTP: u16 = 4_000;
const PORTS: u16 = 16;
/// A moment at which this much happens is a moment that never ends.
const RUNAWAY: u32 = 100_000;

pub fn s(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

pub fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

/// Plays each of these to its end, whatever became of the others, and says which failed.
pub fn each<T, R>(all: impl IntoIterator<Item = (String, T)>, play: impl Fn(T) -> R) -> Vec<R> {
    let (mut done, mut failed) = (Vec::new(), Vec::new());
    for (name, one) in all {
        println!("──── {name}");
        match std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| play(one))) {
            Ok(result) => done.push(result),
            Err(_) => failed.push(name),
        }
    }
    assert!(failed.is_empty(), "these failed, as is told above: {failed:#?}");
    done
}

/// How the house is set up.
#[derive(Clone, Debug)]
pub struct House {
    pub weather: Weather,
    pub seed: u64,
    pub channels: usize,
    pub expires: Duration,
    pub ring: Duration,
    pub ring_again: u8,
    pub cap: Duration,
    pub busy_when_talking: bool,
    pub phone_codec: Codec,
    pub trunk_codec: Codec,
    /// What the box wants of the phone's sound, and the phone of the box's.
    pub phone_srtp: (Srtp, Srtp),
    /// The same between the box and its trunk's company.
    pub trunk_srtp: (Srtp, Srtp),
    /// Scripts of further trunks, each registered at its own provider.
    pub spares: Vec<Vec<Far>>,
    /// Scripts of further phones.
    pub rooms: Vec<Vec<Owner>>,
    /// The further phones are not known to the box at the start.
    pub strange_rooms: bool,
    /// The further phones only listen: they never ring.
    pub silent_rooms: bool,
    pub emergency: Vec<String>,
    /// The only realm whose challenges the box answers at the company.
    pub realm: Option<String>,
    pub dialling: Dialling,
    /// Of every trunk.
    pub rules: Rules,
    pub identity: Identity,
    pub longest: Duration,
    /// How several phones ring.
    pub order: Order,
    /// The address that the box believes it has at the start.
    pub address: IpAddr,
    /// The name of the trunk's server is resolved at the start.
    pub located: bool,
    /// Another trunk comes before the company's, known by its address, where nobody is.
    pub dead_trunk: bool,
    pub recording: Recording,
    /// What is said is kept.
    pub transcript: bool,
    pub max_holds: usize,
    pub unanswered: Unanswered,
    pub call_back: bool,
    pub still_there: bool,
    pub voicemail: Voicemail,
    /// Of the far end.
    pub language: Language,
    pub redial: Redialling,
    pub also_ring: Vec<String>,
    pub also_after: Duration,
    pub replay: bool,
    pub waits: Waits,
    /// Menus are learnt in ordinary calls.
    pub learn: bool,
    /// Keys that are pressed in a menu that is not known.
    pub explore: u8,
    /// A language model is there, which answers this as soon as it is asked.
    pub advice: Option<Act>,
    /// How far a language model may lead calls, and what it answers there in turn; then it is silent.
    pub assisted: Option<Limits>,
    pub model: Vec<Result<Act, String>>,
    pub speed: Vec<(String, String)>,
    pub extension: String,
    /// Texts can be spoken: each sounds like this prompt.
    pub speaks: Option<Prompt>,
    /// In this language.
    pub tongue: Language,
}

impl Default for House {
    fn default() -> Self {
        Self {
            weather: Weather::FINE,
            seed: 1,
            channels: 2,
            expires: s(3600),
            ring: s(30),
            ring_again: 0,
            cap: s(4 * 3600),
            busy_when_talking: false,
            phone_codec: Codec::Pcmu,
            trunk_codec: Codec::Pcmu,
            phone_srtp: Default::default(),
            trunk_srtp: Default::default(),
            spares: Vec::new(),
            rooms: Vec::new(),
            strange_rooms: false,
            silent_rooms: false,
            emergency: vec!["911".into()],
            realm: None,
            dialling: Dialling {
                numbering: Numbering::of("us"),
                rewrite: Vec::new(),
                private: false,
                allowed: Allowed::default(),
            },
            rules: Rules::default(),
            identity: Identity::default(),
            longest: s(24 * 3600),
            order: Order::AtOnce,
            address: BOX,
            located: true,
            dead_trunk: false,
            recording: Recording::default(),
            transcript: false,
            max_holds: 1,
            unanswered: Unanswered::Goodbye,
            call_back: false,
            still_there: true,
            voicemail: Voicemail::HangUp,
            language: Language::English,
            redial: Redialling { tries: 0, pause: s(60) },
            also_ring: Vec::new(),
            also_after: s(8),
            replay: false,
            waits: Waits::default(),
            learn: false,
            explore: 0,
            advice: None,
            assisted: None,
            model: Vec::new(),
            speed: Vec::new(),
            extension: String::new(),
            speaks: None,
            tongue: Language::English,
        }
    }
}

/// Everything, at one moment.
pub struct World {
    pub now: Instant,
    pub core: Core,
    pub company: Company,
    /// The providers of the further trunks, and what they noticed.
    pub spares: Vec<(IpAddr, Company, Vec<Narration>)>,
    pub phone: Phone,
    /// The further phones, and what they noticed.
    pub rooms: Vec<(IpAddr, Phone, Vec<Narration>)>,
    /// The box's own handset, as the first of the further phones.
    pub hand: Option<Hand>,
    pub net: Net,
    /// What the far ends did and noticed.
    pub story: Vec<Narration>,
    /// The newest state of every record, and how often each was written after it ended.
    pub records: BTreeMap<CallId, (Record, u32)>,
    pub replies: Vec<Answer>,
    /// What programs are told.
    pub events: Vec<Happened>,
    /// Every SIP message of the box.
    pub said: Vec<(SocketAddr, String)>,
    /// Longest silence on the wire towards the company while a port was open to it.
    pub worst_gap: Duration,
    pub packets_to_company: u64,
    accounts: Vec<Account>,
    media: Media,
    outlets: Outlets,
    ears: Ears,
    /// What calls taught of each company; a test may put in what earlier ones did.
    pub lore: BTreeMap<String, Lore>,
    /// The flows of each number, as they were kept last.
    pub flows: BTreeMap<String, Entry>,
    /// What the language model was asked, and what it answers.
    pub questions: Vec<Question>,
    advice: Option<Act>,
    /// What it was asked in calls that it leads, and what it still answers there.
    pub briefs: Vec<Brief>,
    model: VecDeque<Result<Act, String>>,
    /// The planned calls, as they were kept last.
    pub schedule: Vec<Appointment>,
    /// Clips, and what the owner said of them.
    pub clips: Vec<Told>,
    /// What the studio was told.
    pub studio: Vec<StudioOrder>,
    /// Every tone over others' sound that was ordered or ended.
    pub overlays: Vec<(PortId, Option<media::Overlay>)>,
    /// How texts sound, and all that were to be spoken.
    speaks: Option<Prompt>,
    pub texts: Vec<String>,
    /// The owner's own greeting, each time it was kept or taken away.
    pub greetings: Vec<Option<std::sync::Arc<[u8]>>>,
    /// Every tone that was ordered.
    pub tones: Vec<media::Tone>,
    /// Who is joined with whom.
    pub joins: Joins,
    /// Ports whose peer is the company, and when they last sent.
    towards_company: BTreeMap<PortId, Instant>,
}

impl World {
    /// A house that registers at the company and has one phone that registers; both scripts begin at once.
    pub fn new(house: &House, company: Vec<Far>, owner: Vec<Owner>) -> Self {
        Self::with_desks(house, vec![Desk { number: String::new(), script: company }], owner)
    }

    pub fn with_desks(house: &House, desks: Vec<Desk>, owner: Vec<Owner>) -> Self {
        let at = |ip, port| SocketAddr::new(ip, port);
        let upstream = |ip, user: &str, domain: &str, expires| {
            let (user, secret) = (user.to_string(), format!("secret of {user}"));
            AccountKind::RegisterAt(Upstream {
                addr: Hop::udp(at(ip, SIP)),
                domain: domain.into(),
                auth_user: user.clone(),
                user,
                secret,
                realm: house.realm.clone(),
                expires,
            })
        };
        let here = |user: &str| AccountKind::RegistersHere {
            user: user.into(),
            secret: format!("secret of {user}"),
        };
        let mut kind = upstream(COMPANY, "house", "company", house.expires);
        if let AccountKind::RegisterAt(upstream) = &mut kind
            && !house.located
        {
            upstream.addr = Hop::udp(at(IpAddr::V4(Ipv4Addr::UNSPECIFIED), 0));
        }
        let mut accounts = vec![
            Account {
                id: TRUNK,
                side: Side::Trunk,
                kind,
                identity: house.identity.clone(),
                srtp: house.trunk_srtp.0,
            },
            Account {
                id: AccountId(1),
                side: Side::Phone,
                kind: here("hall"),
                identity: Identity::default(),
                srtp: house.phone_srtp.0,
            },
        ];
        if house.dead_trunk {
            let kind = AccountKind::Static { addr: Hop::udp(at(NOBODY, SIP)) };
            accounts.push(Account {
                id: DEAD,
                side: Side::Trunk,
                kind,
                identity: Identity::default(),
                srtp: Default::default(),
            });
        }
        accounts.extend((0..house.spares.len()).map(|n| Account {
            id: spare(n),
            side: Side::Trunk,
            kind: upstream(spare_ip(n), "house", "company", house.expires),
            identity: house.identity.clone(),
            srtp: Default::default(),
        }));
        if !house.strange_rooms {
            accounts.extend((0..house.rooms.len()).map(|n| Account {
                id: room(n),
                side: Side::Phone,
                kind: here(&format!("room{n}")),
                identity: Identity::default(),
                srtp: Srtp::default(),
            }));
        }
        let plan = plan(house);
        let sip = ua::Config {
            local: at(house.address, SIP),
            tls_port: 0,
            accounts: accounts.clone(),
            realm: "house".into(),
            seed: house.seed,
            key_seed: [3; 32],
            for_help: plan.for_help(),
        };
        let media = media::Config {
            ports: PORTS,
            country: Country::by_code("us").unwrap(),
            sounds: Prompt::ALL
                .iter()
                .map(|p| p.samples().iter().map(|b| g711::decode(Codec::Pcmu, *b)).collect())
                .collect(),
            wideband: house.phone_codec == Codec::G722,
            studio_frames: 1000,
        };
        let (media, outlets) = Media::new(&media).unwrap();
        let setup = |ip, account, (codec, srtp), seed| Setup {
            sip: at(ip, SIP),
            rtp: at(ip, FAR_RTP),
            account,
            codecs: vec![codec],
            srtp,
            seed,
        };
        let company =
            setup(COMPANY, here("house"), (house.trunk_codec, house.trunk_srtp.1), house.seed ^ 0xC0);
        let phone = setup(
            PHONE,
            upstream(BOX, "hall", "10.0.0.1", s(3600)),
            (house.phone_codec, house.phone_srtp.1),
            house.seed ^ 0xF0,
        );
        let spares = house.spares.iter().enumerate().map(|(n, script)| {
            let at = setup(
                spare_ip(n),
                here("house"),
                (house.trunk_codec, Srtp::Off),
                house.seed ^ (0xD0 + n as u64),
            );
            let desk = Desk { number: String::new(), script: script.clone() };
            (spare_ip(n), Company::new(at, vec![desk]), Vec::new())
        });
        let rooms = house.rooms.iter().enumerate().map(|(n, script)| {
            let account = upstream(BOX, &format!("room{n}"), "10.0.0.1", s(3600));
            let at =
                setup(room_ip(n), account, (house.phone_codec, Srtp::Off), house.seed ^ (0xB0 + n as u64));
            (room_ip(n), Phone::new(at, house.busy_when_talking, script.clone()), Vec::new())
        });
        let mut world = Self {
            rooms: rooms.collect(),
            spares: spares.collect(),
            now: Instant::ZERO,
            core: Core::new(sip, plan, CallId(1), house.seed ^ 0x55),
            company: Company::new(company, desks),
            phone: Phone::new(phone, house.busy_when_talking, owner),
            hand: None,
            net: Net::new(house.weather, house.seed ^ 0x4E),
            story: Vec::new(),
            records: BTreeMap::new(),
            replies: Vec::new(),
            events: Vec::new(),
            said: Vec::new(),
            worst_gap: Duration::ZERO,
            packets_to_company: 0,
            accounts,
            media,
            outlets,
            ears: Ears::new(Settings::default(), Settings::default(), true, house.replay),
            clips: Vec::new(),
            lore: BTreeMap::new(),
            flows: BTreeMap::new(),
            questions: Vec::new(),
            advice: house.advice.clone(),
            briefs: Vec::new(),
            model: house.model.iter().cloned().collect(),
            schedule: Vec::new(),
            studio: Vec::new(),
            overlays: Vec::new(),
            speaks: house.speaks,
            texts: Vec::new(),
            greetings: Vec::new(),
            tones: Vec::new(),
            joins: Joins::default(),
            towards_company: BTreeMap::new(),
        };
        world.core.handle(world.now, Event::Clock(EPOCH));
        world.core.register(world.now, &world.accounts);
        world.settle();
        world
    }

    // ---- time ----

    /// Lets everything happen for so long.
    pub fn run(&mut self, time: Duration) -> &mut Self {
        self.run_until(time, |_| false);
        self
    }

    /// Lets everything happen until `done`, at most so long. Returns whether it came to pass.
    pub fn run_until(&mut self, most: Duration, done: impl Fn(&Self) -> bool) -> bool {
        let end = self.now + most;
        let mut busy = 0;
        while !done(self) {
            let next = [
                self.core.deadline(),
                self.media.deadline(),
                self.company.deadline(),
                self.phone.deadline(),
                self.net.next_at(),
            ];
            let spares = self.spares.iter().map(|(_, company, _)| company.deadline());
            let rooms = self.rooms.iter().map(|(_, phone, _)| phone.deadline());
            let hand = self.hand.iter().map(Hand::deadline);
            let next = next
                .into_iter()
                .chain(spares)
                .chain(rooms)
                .chain(hand)
                .flatten()
                .min()
                .unwrap_or(end)
                .max(self.now);
            busy = if next == self.now { busy + 1 } else { 0 };
            assert!(busy < RUNAWAY, "time stands still at {} ms", self.now.as_millis());
            if next > end {
                self.now = end;
                return done(self);
            }
            self.now = next;
            self.step();
        }
        true
    }

    fn step(&mut self) {
        while let Some(packet) = self.net.take(self.now) {
            self.deliver(packet.from, packet.to, packet.bytes);
        }
        let due = |deadline: Option<Instant>| deadline.is_some_and(|at| at <= self.now);
        let (core, media) = (due(self.core.deadline()), due(self.media.deadline()));
        let (company, phone) = (due(self.company.deadline()), due(self.phone.deadline()));
        if core {
            self.core.handle(self.now, Event::Timeout);
        }
        if media {
            let (now, net) = (self.now, &mut self.net);
            let watch = &mut Watch {
                worst: &mut self.worst_gap,
                count: &mut self.packets_to_company,
                last: &mut self.towards_company,
            };
            self.media.tick(now, &mut |d| send_rtp(now, net, watch, d));
        }
        if company {
            self.company.handle(self.now, NetInput::Timeout);
        }
        if phone {
            self.phone.handle(self.now, NetInput::Timeout);
        }
        for (_, company, _) in &mut self.spares {
            if company.deadline().is_some_and(|at| at <= self.now) {
                company.handle(self.now, NetInput::Timeout);
            }
        }
        for (_, phone, _) in &mut self.rooms {
            if phone.deadline().is_some_and(|at| at <= self.now) {
                phone.handle(self.now, NetInput::Timeout);
            }
        }
        if let Some(hand) = &mut self.hand {
            hand.time(self.now);
        }
        self.settle();
    }

    fn deliver(&mut self, from: SocketAddr, to: SocketAddr, mut bytes: Vec<u8>) {
        let now = self.now;
        match (to.ip(), to.port()) {
            (BOX, SIP) => self.core.handle(now, Event::Message { from: Hop::udp(from), bytes: &bytes }),
            (BOX, port) => {
                let port = PortId(port.saturating_sub(RTP) / 2);
                let net = &mut self.net;
                let watch = &mut Watch {
                    worst: &mut self.worst_gap,
                    count: &mut self.packets_to_company,
                    last: &mut self.towards_company,
                };
                self.media.packet(now, port, from, &mut bytes, &mut |d| send_rtp(now, net, watch, d));
            }
            (COMPANY, port) => self.company.handle(now, far_input(from, port, &bytes)),
            (PHONE, port) => self.phone.handle(now, far_input(from, port, &bytes)),
            (Hand::IP, port) => {
                if let Some(hand) = &mut self.hand {
                    hand.receive(now, from, port == SIP, &bytes);
                }
            }
            (ip, port) => {
                if let Some((_, company, _)) = self.spares.iter_mut().find(|(at, ..)| *at == ip) {
                    company.handle(now, far_input(from, port, &bytes));
                } else if let Some((_, phone, _)) = self.rooms.iter_mut().find(|(at, ..)| *at == ip) {
                    phone.handle(now, far_input(from, port, &bytes));
                }
            }
        }
        self.settle();
    }

    /// A recogniser has understood this of the far end of the first call, so long after its port was opened.
    pub fn understands(&mut self, at: Duration, text: &str) {
        let at = Tick(u64::try_from(at.as_millis()).unwrap() / 20);
        // It is the first opening of one of the first two ports; what is said of another is no one's.
        for port in 0..2 {
            for epoch in 0..3 {
                let heard = Heard::Words { at, text: text.into() };
                self.core.handle(self.now, Event::Heard(PortId(port), epoch, heard));
            }
        }
        self.settle();
    }

    /// Everything that follows at the same moment.
    fn settle(&mut self) {
        loop {
            let mut quiet = true;
            while let Some(effect) = self.core.poll() {
                quiet = false;
                self.carry_out(effect);
            }
            while let Ok(event) = self.outlets.events.pop() {
                quiet = false;
                self.core.handle(self.now, Event::Media(event));
            }
            while let Ok(tap) = self.outlets.taps.pop() {
                self.ears.frame(&tap);
            }
            while let Some(told) = self.ears.poll() {
                quiet = false;
                match told {
                    Told::Heard(port, epoch, heard) => {
                        self.core.handle(self.now, Event::Heard(port, epoch, heard));
                    }
                    Told::Prompt(port, epoch, prompted) => {
                        self.core.handle(self.now, Event::Prompt(port, epoch, prompted));
                    }
                    Told::Cut(port, epoch, sound) => {
                        self.core.handle(self.now, Event::Cut(port, epoch, sound));
                    }
                    Told::Learnt { call, company, lesson } => {
                        self.lore.entry(company).or_default().learn(call.0, EPOCH.0, lesson);
                    }
                    told => self.clips.push(told),
                }
            }
            while let Some(out) = self.company.poll() {
                quiet = false;
                self.far_output(COMPANY, out);
            }
            while let Some(out) = self.phone.poll() {
                quiet = false;
                self.far_output(PHONE, out);
            }
            for at in 0..self.spares.len() {
                while let Some(out) = self.spares[at].1.poll() {
                    quiet = false;
                    match out {
                        NetOutput::Said(narration) => self.spares[at].2.push(narration),
                        out => self.far_output(self.spares[at].0, out),
                    }
                }
            }
            for at in 0..self.rooms.len() {
                while let Some(out) = self.rooms[at].1.poll() {
                    quiet = false;
                    match out {
                        NetOutput::Said(narration) => self.rooms[at].2.push(narration),
                        out => self.far_output(self.rooms[at].0, out),
                    }
                }
            }
            while let Some((port, to, bytes)) = self.hand.as_mut().and_then(Hand::poll) {
                quiet = false;
                self.net.send(self.now, SocketAddr::new(Hand::IP, port), to, &bytes);
            }
            if quiet {
                return;
            }
        }
    }

    /// Somebody does something with the handset.
    pub fn at_the_handset(&mut self, input: Input<'_>) {
        self.hand.as_mut().expect("a handset").handle(self.now, input);
        self.settle();
    }

    fn carry_out(&mut self, effect: Effect) {
        match effect {
            Effect::Send { to, bytes } => {
                self.said.push((to.addr, String::from_utf8_lossy(&bytes).into_owned()));
                self.net.send(self.now, SocketAddr::new(BOX, SIP), to.addr, &bytes);
            }
            Effect::Media(command) => {
                let house =
                    |ip| [PHONE, Hand::IP].contains(&ip) || (0..self.rooms.len()).any(|n| room_ip(n) == ip);
                self.joins.note(&command, house);
                match command {
                    MediaCommand::Tone(_, tone) => self.tones.push(tone),
                    MediaCommand::Overlay(port, tone) => self.overlays.push((port, tone)),
                    _ => {}
                }
                match command {
                    MediaCommand::Open { port, stream, .. } if stream.remote.ip() == COMPANY => {
                        self.towards_company.insert(port, self.now);
                    }
                    MediaCommand::Change { port, stream } if !stream.send => {
                        self.towards_company.remove(&port);
                    }
                    MediaCommand::Change { port, stream } if stream.remote.ip() == COMPANY => {
                        self.towards_company.insert(port, self.now);
                    }
                    MediaCommand::Close(port) => {
                        self.towards_company.remove(&port);
                    }
                    _ => {}
                }
                self.media.command(self.now, command);
            }
            Effect::Studio(order) => self.studio.push(order),
            Effect::Speak(text) => {
                let sound = self.speaks.map(|prompt| prompt.samples().into());
                self.texts.push(text.clone());
                self.core.handle(self.now, Event::Spoken(text, sound));
            }
            Effect::Listen(order) => {
                self.ears.order(order, |company| self.lore.get(company).cloned().unwrap_or_default());
            }
            Effect::Record(record) => {
                let entry = self.records.entry(record.id).or_insert_with(|| ((*record).clone(), 0));
                entry.1 += u32::from(record.ended.is_some());
                entry.0 = *record;
            }
            Effect::Event(event) => self.events.push(*event),
            Effect::Flows(entry) => {
                self.flows.insert(entry.number.clone(), *entry);
            }
            Effect::Schedule(list) => self.schedule = list,
            Effect::Consult(number, asked) => {
                let advice = match *asked {
                    Asked::Menu(question) => {
                        self.questions.push(question);
                        let advice = self.advice.clone().map(|act| Advice { act, reason: "it fits".into() });
                        Some(advice.ok_or_else(|| "nobody is there".into()))
                    }
                    Asked::Call(brief) => {
                        self.briefs.push(brief);
                        let act = self.model.pop_front();
                        act.map(|act| act.map(|act| Advice { act, reason: "so".into() }))
                    }
                };
                if let Some(advice) = advice {
                    self.core.handle(self.now, Event::Advice(number, advice));
                }
            }
            Effect::Greeting(own) => self.greetings.push(own),
            Effect::Reply(_, answer) => self.replies.push(answer),
        }
    }

    fn far_output(&mut self, host: IpAddr, output: NetOutput) {
        match output {
            NetOutput::Sip { to, bytes } => self.net.send(self.now, SocketAddr::new(host, SIP), to, &bytes),
            NetOutput::Rtp { to, bytes } => {
                self.net.send(self.now, SocketAddr::new(host, FAR_RTP), to, &bytes)
            }
            NetOutput::Said(narration) => self.story.push(narration),
        }
    }

    // ---- the house's own hands ----

    /// SIGTERM.
    pub fn stop(&mut self) {
        self.core.stop(self.now, &self.accounts);
        self.settle();
    }

    /// Something happens to the box that no far end sends.
    pub fn tell(&mut self, event: Event<'_>) {
        self.core.handle(self.now, event);
        self.settle();
    }

    pub fn ask(&mut self, request: Request) -> Result<(), String> {
        self.place(request).map(drop)
    }

    /// As `ask`, with the call that was placed.
    pub fn place(&mut self, request: Request) -> Answer {
        self.core.handle(self.now, Event::Request(7, request));
        self.settle();
        self.replies.pop().expect("every request is answered")
    }

    pub fn send_on(&mut self, errand: Errand) -> Result<(), String> {
        self.ask(Request::Errand(errand))
    }

    pub fn snapshot(&self) -> Snapshot {
        self.core.snapshot()
    }

    pub fn phase(&self) -> Option<Phase> {
        self.snapshot().calls.first().map(|call| call.phase)
    }

    /// A datagram out of nowhere.
    pub fn inject(&mut self, from: SocketAddr, to_port: u16, bytes: &[u8]) {
        self.deliver(from, SocketAddr::new(BOX, to_port), bytes.to_vec());
    }

    // ---- what is seen from outside ----

    pub fn seen(&self, who: Who, fact: impl Fn(&Fact) -> bool) -> Option<Instant> {
        self.story.iter().find(|n| n.who == who && fact(&n.fact)).map(|n| n.at)
    }

    pub fn count(&self, who: Who, fact: impl Fn(&Fact) -> bool) -> usize {
        self.story.iter().filter(|n| n.who == who && fact(&n.fact)).count()
    }

    pub fn rings(&self) -> usize {
        self.count(Who::Phone, |f| matches!(f, Fact::Called { .. }))
    }

    pub fn outcome(&self, id: u64) -> Option<Outcome> {
        self.records.get(&CallId(id)).map(|(record, _)| record.outcome)
    }

    pub fn record(&self, id: u64) -> &Record {
        &self.records.get(&CallId(id)).unwrap_or_else(|| panic!("no record {id}\n{}", self.tale())).0
    }

    /// What the company heard in the call of this record.
    pub fn ear(&self, record: &Record) -> Option<&Ear> {
        let placed = Instant((record.started.0 - EPOCH.0) * 1_000);
        let fits = |(number, at, _): &(&str, Instant, &Ear)| *number == record.number && *at >= placed;
        self.company.ears().find(fits).map(|(.., ear)| ear)
    }

    /// Every agent hears something within 1.5 s of the verdict that he is one, or perhaps one, and from the verdict to the
    /// join (or to what became of it) is never left in silence for longer than 4 s.
    pub fn agents_are_kept(&self) {
        for (record, _) in self.records.values().filter(|(record, _)| record.outgoing) {
            let start = record.started.0 - EPOCH.0;
            let Some(ear) = self.ear(record) else { continue };
            let over = record.ended.map_or(self.now.as_millis(), |wall| wall.0 - EPOCH.0);
            let turns = record.decisions.iter().skip_while(|d| d.what != "hold");
            let turns: Vec<_> =
                turns.map(|d| (d.what.as_str(), d.reason.as_str(), start + d.at_ms)).collect();
            let (mut greeted, mut person) = (false, None);
            for (what, reason, at) in turns.into_iter().chain([("end", "", over)]) {
                // Who rings because the owner wants the call, for a menu or a machine, keeps no agent.
                const OTHERS: [&str; 4] =
                    ["the owner asked", "a machine takes", "the call comes back", "step "];
                let person_comes = !OTHERS.iter().any(|other| reason.starts_with(other));
                let verdict = what == "greet" || (what == "ring" && person_comes);
                if verdict && !greeted {
                    self.hears_a_voice(ear, at, over);
                }
                if let Some(from) = person
                    .take_if(|_| matches!(what, "join" | "stop ringing" | "wait on" | "apologise" | "end"))
                {
                    let silence = ear.longest_silence(Instant(from * 1_000), Instant(at * 1_000));
                    assert!(silence <= s(4), "{silence:?} of dead air after {from} ms\n{}", self.tale());
                }
                greeted = match what {
                    "greet" | "ring" => true,
                    "hold" | "wait on" | "stop ringing" | "join" => false,
                    _ => greeted,
                };
                if verdict && what == "ring" {
                    person.get_or_insert(at);
                }
            }
        }
    }

    fn hears_a_voice(&self, ear: &Ear, at: u64, over: u64) {
        let (from, to) = (Instant(at * 1_000), Instant((at + 1_500) * 1_000));
        let voice = |span: &hold_slayer::demo::ear::Heard| {
            span.until >= from && span.from <= to && !matches!(span.kind, Kind::Tone(_))
        };
        let hears = over <= at + 1_500 || ear.spans().iter().any(voice);
        assert!(hears, "no voice within 1.5 s of {at} ms\n{}", self.tale());
    }

    /// Nothing is left of any call: in the switchboard, in SIP, at the company, in media; and nobody was joined by mistake.
    pub fn is_clean(&self) {
        let tale = || self.tale();
        assert!(self.snapshot().calls.is_empty(), "a call outlives everybody\n{}", tale());
        assert_eq!(self.company.calls(), 0, "a far end is left\n{}", tale());
        assert!(self.core.is_idle(), "a transaction or dialog is left\n{}", tale());
        assert!(self.joins.are_over(), "a port is left\n{}", tale());
        assert!(self.joins.mistakes.is_empty(), "{:#?}\n{}", self.joins.mistakes, tale());
        assert!(self.worst_gap <= ms(40), "the company hears nothing for {:?}\n{}", self.worst_gap, tale());
        for (record, ends) in self.records.values() {
            assert_eq!(*ends, 1, "a record is closed once\n{}", tale());
            assert!(record.ended.is_some() && record.outcome != Outcome::Up, "{}", tale());
            assert!(!record.decisions.is_empty(), "{}", tale());
        }
    }

    /// Whoever dialled this number for help was put through to it.
    pub fn help_is_reached(&self, number: &str) {
        let rooms = self.rooms.iter().flat_map(|(.., story)| story);
        let dials = |n: &&Narration| n.who == Who::Phone && n.fact == Fact::Dials(number.into());
        let dialled = self.story.iter().chain(rooms).filter(dials).count();
        let helped =
            |(record, _): &&(Record, u32)| record.number == number && record.outcome == Outcome::Talked;
        let reached = self.records.values().filter(helped).count();
        assert_eq!(reached, dialled, "help was not reached\n{}", self.tale());
    }

    /// The story so far, for a failing test.
    pub fn tale(&self) -> String {
        let mut tale = String::new();
        for n in &self.story {
            tale += &format!("{:>9} ms  {n}\n", n.at.as_millis());
        }
        for (record, _) in self.records.values() {
            tale += &format!("{:?} {} {:?}\n", record.id, record.number, record.outcome);
            for d in &record.decisions {
                tale += &format!("{:>9} ms    {}: {}\n", d.at_ms, d.what, d.reason);
            }
            for h in &record.heard {
                tale += &format!("{:>9} ms      {:?} {:.2}\n", h.at_ms, h.sound, h.confidence);
            }
        }
        tale
    }
}

struct Watch<'a> {
    worst: &'a mut Duration,
    count: &'a mut u64,
    last: &'a mut BTreeMap<PortId, Instant>,
}

fn send_rtp(now: Instant, net: &mut Net, watch: &mut Watch<'_>, datagram: media::Datagram<'_>) {
    if let Some(last) = watch.last.get_mut(&datagram.port) {
        *watch.worst = (*watch.worst).max(now.since(*last));
        *watch.count += 1;
        *last = now;
    }
    net.send(now, SocketAddr::new(BOX, RTP + 2 * datagram.port.0), datagram.to, datagram.bytes);
}

fn far_input(from: SocketAddr, port: u16, bytes: &[u8]) -> NetInput<'_> {
    if port == SIP { NetInput::Sip { from, bytes } } else { NetInput::Rtp { from, bytes } }
}

/// The further trunks are numbered after the phone and the dead one.
fn spare(n: usize) -> AccountId {
    AccountId(3 + n as u8)
}

/// The further phones are numbered after everything else.
pub fn room(n: usize) -> AccountId {
    AccountId(100 + n as u8)
}

pub fn room_ip(n: usize) -> IpAddr {
    IpAddr::V4(Ipv4Addr::new(10, 0, 2, n as u8))
}

pub fn spare_ip(n: usize) -> IpAddr {
    IpAddr::V4(Ipv4Addr::new(10, 0, 1, n as u8))
}

fn plan(house: &House) -> Plan {
    let peer = |id, side, name: &str, channels| Peer {
        id,
        side,
        name: name.into(),
        channels,
        is_static: false,
        rings: s(15),
        rules: house.rules.clone(),
        wideband: house.phone_codec == Codec::G722 && side == Side::Phone,
        listens: false,
        own: false,
    };
    let dead = Peer { is_static: true, ..peer(DEAD, Side::Trunk, "dead", 1) };
    let spares = (0..house.spares.len()).map(|n| peer(spare(n), Side::Trunk, &format!("spare {n}"), 2));
    let mut peers: Vec<Peer> = house.dead_trunk.then_some(dead).into_iter().collect();
    peers.push(peer(TRUNK, Side::Trunk, "company", house.channels));
    peers.extend(spares);
    peers.push(peer(AccountId(1), Side::Phone, "hall", usize::MAX));
    if !house.strange_rooms {
        let listens = house.silent_rooms;
        let rooms = (0..house.rooms.len())
            .map(|n| Peer { listens, ..peer(room(n), Side::Phone, &format!("room {n}"), usize::MAX) });
        peers.extend(rooms);
    }
    Plan {
        peers,
        media_ip: house.address,
        rtp_ports: (0..PORTS).map(|n| RTP + 2 * n).collect(),
        emergency: house.emergency.clone(),
        codes: Codes::default(),
        order: house.order,
        hold: Policy {
            cap: house.cap,
            ring_for: house.ring,
            ring_again: house.ring_again,
            greet: true,
            unanswered: house.unanswered,
            call_back: house.call_back,
            still_there: house.still_there,
            voicemail: house.voicemail,
        },
        redial: house.redial,
        also_ring: house.also_ring.clone(),
        also_after: house.also_after,
        waits: house.waits.clone(),
        recording: house.recording,
        transcript: house.transcript,
        // A program may be there and fail.
        speech: house.speaks.map(|_| ()).or(house.assisted.map(|_| ())).map(|()| house.tongue),
        assisted: house.assisted.ok_or_else(|| "not here".into()),
        announce: true,
        replay: house.replay,
        language: house.language,
        max_holds: house.max_holds,
        learn: house.learn,
        explore: house.explore,
        adviser: house.advice.is_some(),
        speed: house.speed.clone(),
        extension: house.extension.clone(),
        dialling: house.dialling.clone(),
        longest: house.longest,
    }
}
