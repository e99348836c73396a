//! Starts the box and stops it.

use super::paired::{self, Paired};
use super::sockets::{bind_sip, bind_tcp, bind_tls};
use super::{control, core, ear_thread, handset, plan, speech_thread, words_thread};
use crate::assist::{self, Assistant};
use crate::board::button::Press;
use crate::call::Snapshot;
use crate::config::{Config, Mistake};
use crate::dsp::g711;
use crate::dsp::tone::Country;
use crate::listen::words::Language;
use crate::media::thread::{Opening, Outlet, UdpPorts};
use crate::media::{self, thread as media_thread};
use crate::net::{Sockets, Wire};
use crate::phone::pairing::REALM;
use crate::phone::shadow::shadowed;
use crate::sip::ua;
use crate::slay::talk::Limits;
use crate::sounds::Prompt;
use crate::speech::{Program, Voice};
use crate::store::Store;
use crate::trunk::number::Numbering;
use crate::units::{CallId, Codec};
use crate::update::Desk;
use crate::{board, clock, limits, listen, net, notify, studio, web};
use anyhow::{Context, Result, anyhow};
use std::collections::{BTreeMap, HashMap};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::JoinHandle;
use tokio::io::unix::AsyncFd;
use tokio::sync::{mpsc, oneshot, watch};

/// What may differ between the appliance and the demo.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// A port in use is replaced by a free one instead of being an error.
    pub any_port: bool,
    /// Logs the page in once, without the password.
    pub one_use_token: Option<String>,
    /// A token for programs that may do everything for as long as the box runs.
    pub app_token: Option<String>,
    /// The configuration, to be changed on the page.
    pub file: Option<PathBuf>,
    /// Where the socket for people on the box shall be; `None`: there is none.
    pub console: Option<PathBuf>,
    /// Where an image says that it has slots for updates; `None`: none are taken.
    pub slots: Option<PathBuf>,
}

/// A box that runs.
pub struct Running {
    /// Where it takes SIP.
    pub sip: SocketAddr,
    /// Where peers reach it: a loopback address while there is no network.
    pub ip: watch::Receiver<IpAddr>,
    /// It is reached by https.
    pub page_is_encrypted: bool,
    /// What claims the page, while nobody has it.
    pub claim_code: Option<String>,
    /// The state of everything, as it changes.
    pub snapshot: watch::Receiver<Arc<Snapshot>>,
    /// The records; `None` if the database cannot be used.
    pub store: Option<Store>,
    /// Stands for the button.
    pub press: mpsc::Sender<Press>,
    /// Rises about once a second while the control loop and the media loop turn.
    pub beat: watch::Receiver<u64>,
    /// True once the box shall be started anew: it was asked for, and no call is up.
    pub again: watch::Receiver<bool>,
    stop: oneshot::Sender<()>,
    control: JoinHandle<()>,
    web: Option<web::Web>,
    /// The network is told of the box for as long as this lives.
    told: Option<net::mdns::Announcement>,
    telephones: handset::Telephones,
}

impl Running {
    /// Where the page is; bound to every address, it is found at the one that peers are told. `None` if it could not be served
    /// (the reason is among the snapshot's troubles).
    pub fn page(&self) -> Option<SocketAddr> {
        let addr = self.web.as_ref()?.addr;
        let host = if addr.ip().is_unspecified() { *self.ip.borrow() } else { addr.ip() };
        Some(SocketAddr::new(host, addr.port()))
    }

    /// Ends every call, takes the registrations away and writes what is left to write.
    pub fn stop(self) {
        drop(self.stop);
        if self.control.join().is_err() {
            tracing::error!("the control thread ended with a panic");
        }
        drop(self.told);
        drop(self.telephones);
        drop(self.web);
    }
}

/// Starts the box. Peers are answered as soon as it knows them; it goes out to the trunks when it is sure that it comes up.
///
/// # Errors
/// A SIP or RTP port that is in use, or an address that is not this machine's. A damaged or missing database, a page
/// that cannot be served, a button that is not there: none of these keeps the telephone from working, and each is told
/// among the snapshot's troubles.
pub fn start(mut config: Config, data: &Path, options: &Options) -> Result<Running> {
    clock::now();
    let own_telephones = handset::admit(&mut config, random)?;
    let mut troubles: Vec<String> = config.board_faults.iter().map(board_trouble).collect();
    let udp = bind_sip(&config, options, data)?;
    // Before any other thread is started: this makes room for files.
    let mut media = start_media(&config, options)?;
    let store = open_store(data, &mut troubles);
    if let Some(store) = &store {
        store.keep(config.words.keep, config.history.keep.unwrap_or(std::time::Duration::MAX));
    }
    let first_call = store.as_ref().map_or(CallId(clock::wall().0), Store::next_call_id);
    let (snapshot_tx, snapshot) = watch::channel(Arc::new(Snapshot::default()));
    let journal = web::Journal::default();
    let (press, presses) = mpsc::channel(limits::COMMAND_QUEUE);
    let (asks_tx, asks) = mpsc::channel(limits::COMMAND_QUEUE);
    let notices = notify::start(config.notify.clone()).context("the threads that notify")?;
    let (assistant, advice) = assistant(&config, &mut troubles);
    let studio = studio::start(media.studio, studio::Archive::new(data), config.record.archive);
    let studio = studio.context("the studio's thread")?;
    let (settings, words, words_troubles) = words(&config, data, &media.taps, &mut troubles);
    let understands = settings.words.is_some();
    let archive = config.record.archive;
    let clips = archive.clips.then(|| ear_thread::Keeper::start(studio::Clips::new(data), archive));
    let clips = clips.transpose().context("the clips' thread")?;
    let (ears, heard) =
        ear_thread::start(media.taps, (settings, config.hold.replay), words, store.clone(), clips)
            .context("the listener's thread")?;

    let (speech, language) = speech(&config, data, &mut troubles)?;

    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().context("tokio")?;
    let sip = udp.local_addr().context("the SIP socket has no address")?;
    let tcp = bind_tcp(&config, sip, &mut troubles);
    let tls = bind_tls(&config, &mut troubles);
    let (trusts, wrong) = plan::trusts(&config);
    troubles.extend(wrong);
    troubles.extend(shadowed(&config.codes));
    let names: Vec<String> = config.trunks.iter().map(|trunk| trunk.name.clone()).collect();
    let all_names =
        names.iter().cloned().chain(config.phones.iter().map(|p| p.name.clone())).collect::<Vec<_>>();
    let (accounts, lookups) = plan::accounts(&config);
    let address = plan::Address::new(&config, &accounts);
    let ip = address.find().unwrap_or(IpAddr::V4(Ipv4Addr::LOCALHOST));
    let (ip_tx, here) = watch::channel(ip);
    let rtp_ports = rtp_ports(&config, options, &mut media.opening)?;
    let mut plan = plan::plan(&config, &accounts, ip, rtp_ports);
    if !understands {
        plan.explore = 0;
    }
    plan.speech = language;
    plan.assisted = plan.assisted.and_then(|limits| can_assist(limits, understands, language.is_some()));
    store.iter().for_each(|store| plan::note_waits(&mut plan, store));
    let ua_config = ua::Config {
        local: SocketAddr::new(ip, sip.port()),
        tls_port: config.sip.tls.as_ref().map_or(0, |tls| tls.listen.port()),
        accounts: accounts.clone(),
        realm: REALM.into(),
        seed: random()?,
        key_seed: secret()?,
        for_help: plan.for_help(),
    };
    let mut core = core::Core::new(ua_config, plan, first_call, random()?);
    match store.as_ref().map(|store| Ok((store.flows()?, store.schedule()?))).transpose() {
        Ok(kept) => {
            let (flows, planned) = kept.unwrap_or_default();
            core.handle(clock::now(), core::Event::Recall(flows, planned));
        }
        Err::<_, crate::store::Error>(error) => {
            troubles.push(format!("flows and planned calls are not known: {error}"));
        }
    }
    match store.as_ref().map(Store::greeting).transpose() {
        Ok(own) => core.handle(clock::now(), core::Event::Greeting(own.flatten().map(Into::into))),
        Err(error) => troubles.push(format!("your own greeting is not known: {error}")),
    }
    let mut paired = Paired::default();
    for phone in store.iter().flat_map(paired::known) {
        let name = phone.name.clone();
        match paired.admit(&accounts, &all_names, phone) {
            Ok(event) => core.handle(clock::now(), event),
            Err(why) => troubles.push(format!("the paired phone {name} is left out: {why}")),
        }
    }
    // Who is quick sees trunks and phones, not an empty house.
    snapshot_tx.send_replace(Arc::new(core.snapshot()));
    let (lamp, pattern) = watch::channel(board::lamp::Pattern::default());
    let panel =
        board::panel::start(config.board.clone(), press.clone(), pattern).context("the board's thread")?;

    let telephones = handset::start(&config, own_telephones, sip, &lamp)?;
    let front = |of: &Option<board::handset::Handset>| of.as_ref().map(|one| one.front.clone());
    let (handset, monitor) = (front(&telephones.handset), front(&telephones.monitor));
    let front = board::Front { panel: panel.front, handset, monitor };
    let telephone_troubles = telephones.troubles();
    let (stop, stopped) = oneshot::channel();
    let (claims, claimed) = watch::channel(None);
    let (beat_tx, beat) = watch::channel(0);
    let (updates, desk) = plan::updates(options.slots.as_deref(), data, &mut troubles).unzip();
    let (again_tx, again) = watch::channel(false);
    let (standing_tx, standing) = watch::channel(None);
    let encrypted = plan::page_tls(&config, data, ip);
    let shown = encrypted.as_ref().ok().and_then(|page| page.as_ref().map(|(_, file)| file.as_path()));
    let (certificates, expired) = plan::certificates(&config, shown, tls.is_some());
    troubles.extend(expired);
    let (store_too, journal_too, notices_too) = (store.clone(), journal.clone(), notices.clone());
    let control = std::thread::Builder::new().name("control".into()).spawn(move || {
        runtime.block_on(async move {
            let edges = Wire::new(Sockets { udp, tcp, tls }).and_then(|wire| {
                Ok((wire, watch_for_tokio(media.events)?, desk.map(watch_desk).transpose()?))
            });
            let (mut wire, media_events, updates) = match edges {
                Ok(edges) => edges,
                Err(error) => return tracing::error!(%error, "the control loop cannot wait for its sockets"),
            };
            trusts.into_iter().for_each(|(account, trust)| wire.trust(account, trust));
            let control = control::Control {
                core,
                accounts,
                lookups,
                address,
                ip: ip_tx,
                other: None,
                wire,
                media: media.control,
                media_events,
                store: store_too,
                ears,
                studio: studio.orders,
                studio_troubles: studio.troubles,
                words_troubles,
                speech: speech.texts,
                spoken: speech.spoken,
                speech_troubles: speech.troubles,
                heard,
                assistant,
                advice,
                asks,
                presses,
                claims,
                snapshot: snapshot_tx,
                journal: journal_too,
                notices: notices_too,
                standing,
                board_troubles: panel.troubles,
                telephone_troubles,
                lamp,
                asked: HashMap::new(),
                next_ask: 0,
                logged: HashMap::new(),
                peers: HashMap::new(),
                troubles: Vec::new(),
                certificates,
                names,
                all_names,
                paired,
                trunks: BTreeMap::new(),
                unreachable: BTreeMap::new(),
                beat: beat_tx,
                updates,
                restart: false,
                again: again_tx,
            };
            control.run(stopped).await;
        });
        // The name service may keep a question for half a minute: nobody waits for its answer any more.
        runtime.shutdown_background();
    })?;
    let mut running = Running {
        sip,
        ip: here.clone(),
        page_is_encrypted: false,
        claim_code: None,
        snapshot: snapshot.clone(),
        store: store.clone(),
        press,
        beat,
        again,
        stop,
        control,
        web: None,
        told: None,
        telephones,
    };

    // Peers are answered from here on. What takes longer follows.
    match opened(&mut media.opening) {
        Ok(opened) => troubles.extend(real_time_troubles(&opened.granted)),
        Err(error) => {
            running.stop();
            return Err(error);
        }
    }
    standing_tx.send_replace(Some(troubles.clone()));
    // Last of all that can fail: the code that claims the page is told only if the box comes up.
    running.page_is_encrypted = matches!(encrypted, Ok(Some(_)));
    let at = (here, sip.port());
    let mut page = web_config(&config, options, data, at, media.counters, claimed, notices);
    page.house.speech = language;
    let web = encrypted.and_then(|tls| {
        let tls = tls.map(|(acceptor, _)| acceptor);
        let page = web::Config { tls, updates, board: front, ..page };
        web::start(page, store, studio.studio, snapshot, asks_tx, journal).map_err(|error| error.to_string())
    });
    match web {
        Ok(web) => {
            running.claim_code = web.claim_code.clone();
            troubles.extend(web.troubles.iter().cloned());
            running.web = Some(web);
            standing_tx.send_replace(Some(troubles));
        }
        Err(error) => {
            troubles.push(format!("the page cannot be served: {error}"));
            standing_tx.send_replace(Some(troubles));
        }
    }
    let page = running.page().map(|page| SocketAddr::new(config.web.listen.ip(), page.port()));
    let sip = SocketAddr::new(config.sip.listen.ip(), sip.port());
    let told =
        net::mdns::Told { name: config.web.local_name.clone(), page, tls: running.page_is_encrypted, sip };
    match told.tell() {
        Ok(told) => running.told = told,
        // Whoever has its address finds it all the same.
        Err(why) => standing_tx.send_modify(|told| told.get_or_insert_default().push(why)),
    }
    Ok(running)
}

#[allow(unsafe_code)]
fn watch_for_tokio(events: Outlet<media::Event>) -> std::io::Result<AsyncFd<Outlet<media::Event>>> {
    // SAFETY: an outlet keeps its event descriptor open, and always the same one, for as long as it lives.
    unsafe { AsyncFd::register(events) }.map_err(Into::into)
}

#[allow(unsafe_code)]
fn watch_desk(desk: Desk) -> std::io::Result<AsyncFd<Desk>> {
    // SAFETY: a desk keeps its descriptor open, and always the same one, for as long as it lives.
    unsafe { AsyncFd::register(desk) }.map_err(Into::into)
}

/// As many bits as the longest key has.
fn secret() -> Result<[u8; 32]> {
    let mut secret = [0; 32];
    getrandom::fill(&mut secret).map_err(|error| anyhow!("the system gives no random numbers: {error}"))?;
    Ok(secret)
}

fn random() -> Result<u64> {
    getrandom::u64().map_err(|error| anyhow!("the system gives no random numbers: {error}"))
}

fn open_store(data: &Path, troubles: &mut Vec<String>) -> Option<Store> {
    // Numbers called are nobody else's business. What cannot be made, the store tells of when it finds nothing.
    let _ = std::fs::DirBuilder::new().recursive(true).mode(0o700).create(data);
    match Store::open(data) {
        Ok((store, opened)) => {
            if let Some(aside) = opened.damaged {
                let aside = aside.display();
                troubles.push(format!(
                    "the database was damaged: it was put aside as {aside}, and a new one begun"
                ));
            }
            if let Some(aside) = opened.newer {
                let aside = aside.display();
                troubles.push(format!(
                    "a newer version had changed the database and did not stay: what was before it is back, the newer file is kept as {aside}"
                ));
            }
            if opened.interrupted > 0 {
                tracing::warn!(calls = opened.interrupted, "calls were up when the box stopped");
            }
            // So a card begins its data when it cannot mount them (image/card/usr/lib/hold-slayer/data).
            if data.join("in-memory").exists() {
                troubles.push(format!(
                    "{}the card is broken, replace it. {}",
                    web::NOTHING_KEPT,
                    web::GOES_ON
                ));
            }
            Some(store)
        }
        Err(error) => {
            troubles.push(format!("{}{error}. {}", web::NOTHING_KEPT, web::GOES_ON));
            None
        }
    }
}

/// A button that is not there keeps nobody from calling.
fn board_trouble(fault: &Mistake) -> String {
    let Mistake { file, line, what } = fault;
    format!("the board file is left out, and with it button, lamp and hook ({file}, line {line}): {what}")
}

/// Recognition, where there is a model for it: what the listener must know, its way there, and its troubles to come.
fn words(
    config: &Config,
    data: &Path,
    taps: &Outlet<media::TapFrame>,
    troubles: &mut Vec<String>,
) -> (listen::Settings, Option<ear_thread::Recognition>, Option<watch::Receiver<Vec<String>>>) {
    let deaf = listen::Settings { eagerness: config.hold.eagerness, ..listen::Settings::default() };
    let config = &config.words;
    let without = (deaf.clone(), None, None);
    let (back, answers) = taps.inlet(limits::WORDS_QUEUE);
    let elsewhere = config.service.is_some();
    let started = match (&config.service, config.folder(data)) {
        (Some(service), _) => {
            tracing::warn!(host = %service.url, "what the line says while the box holds is sent there to be recognised");
            words_thread::start_elsewhere(service.clone(), config.language, back)
        }
        (None, Some(folder)) => words_thread::start(&folder, config.language, back),
        (None, None) => {
            tracing::info!("there is no speech model: the box goes by sound alone");
            return without;
        }
    };
    match started {
        Ok(words) => {
            let settings =
                listen::Settings { words: Some(config.language), owner: config.owner.clone(), ..deaf };
            let recognition = ear_thread::Recognition { jobs: words.jobs, answers, elsewhere };
            (settings, Some(recognition), Some(words.troubles))
        }
        Err(why) => {
            troubles.push(format!("the box does not understand words: {why}"));
            without
        }
    }
}

/// The language model, if there is one, and the way by which its answers come.
fn assistant(
    config: &Config,
    troubles: &mut Vec<String>,
) -> (Option<Assistant>, mpsc::Receiver<core::Event<'static>>) {
    let (tell, advice) = mpsc::channel(limits::ASSIST_QUEUE);
    let started = config.assistant.clone().map(|service| {
        // Who asked may have gone.
        assist::start(service, move |number, answer| {
            drop(tell.blocking_send(core::Event::Advice(number, answer)))
        })
    });
    let assistant = started.transpose().unwrap_or_else(|why| {
        troubles.push(why);
        None
    });
    (assistant, advice)
}

/// A model that leads a call must understand and speak.
fn can_assist(limits: Limits, understands: bool, speaks: bool) -> Result<Limits, String> {
    match (understands, speaks) {
        (true, true) => Ok(limits),
        (false, _) => {
            Err("the language model cannot lead a call: the box understands no words. Fetch a speech model \
                           (model/words/fetch.sh), or name a recogniser under [words]"
                .to_owned())
        }
        (true, false) => {
            Err("the language model cannot lead a call: nothing speaks texts. Install espeak-ng, or name \
                              another machine under [speech]"
                .to_owned())
        }
    }
}

/// Text to speech, where a program for it is installed or another machine named, and in which language it speaks.
fn speech(
    config: &Config,
    data: &Path,
    troubles: &mut Vec<String>,
) -> Result<(speech_thread::Speech, Option<Language>)> {
    let program = Program::find(&config.speech.voice).unwrap_or_else(|why| {
        troubles.push(format!("no program speaks: {why}"));
        None
    });
    let elsewhere =
        config.speech.elsewhere.clone().map(|(service, name)| assist::speak::voice(service, name));
    let elsewhere = elsewhere.transpose().unwrap_or_else(|why| {
        troubles.push(format!("no other machine speaks: {why}"));
        None
    });
    let voice = Voice::new(program, elsewhere, data);
    let language = voice.is_some().then_some(config.speech.language);
    Ok((speech_thread::start(voice).context("the thread for speech")?, language))
}

fn web_config(
    config: &Config,
    options: &Options,
    data: &Path,
    (ip, sip_port): (watch::Receiver<IpAddr>, u16),
    counters: Arc<media::Counters>,
    claims: watch::Receiver<Option<web::Claim>>,
    notices: notify::Notices,
) -> web::Config {
    web::Config {
        listen: config.web.listen,
        fallback_to_free_port: options.any_port,
        password: config.web.password.as_ref().map(|secret| secret.expose().to_owned()),
        names: config.web.names.clone(),
        one_use_token: options.one_use_token.clone(),
        app_token: options.app_token.clone(),
        tls: None,
        updates: None,
        data: options.file.as_ref().map(|_| data.to_owned()),
        file: options.file.clone(),
        console: options.console.clone(),
        parts: web::Parts {
            button: config.board.button.is_some(),
            lamp: config.board.lamp.is_some(),
            handset: config.handset.as_ref().map(|handset| handset.name.clone()),
            phones: config.phones.iter().map(|phone| phone.name.clone()).collect(),
            folder: data.to_owned(),
        },
        counters: Some(counters),
        patience: web::Patience::default(),
        house: web::House {
            ip,
            sip_port,
            emergency: config.line.emergency.clone(),
            numbering: Numbering::of(config.line.country.code()),
            codes: config.codes.clone(),
            speech: None,
        },
        claims,
        board: board::Front::default(),
        elsewhere: web::Elsewhere { leaves: config.leaves(), assists: config.assisted.is_some(), notices },
    }
}

/// Media ports: four legs for each call, as `config` counts.
fn ports(config: &Config) -> u16 {
    config.media.calls.saturating_mul(4)
}

fn start_media(config: &Config, options: &Options) -> Result<media_thread::Started> {
    let code = config.line.country.code();
    let country =
        Country::by_code(code).ok_or_else(|| anyhow!("no tones are known for the country {code}"))?;
    let linear =
        |prompt: Prompt| prompt.samples().iter().map(|octet| g711::decode(Codec::Pcmu, *octet)).collect();
    let udp_ports = udp_ports(config, options);
    let core = config.board.media_core;
    let config = media_thread::Config {
        media: media::Config {
            ports: ports(config),
            country,
            sounds: Prompt::ALL.map(linear).into(),
            wideband: config.phones.iter().any(|phone| phone.wideband),
            studio_frames: limits::studio_ring(usize::from(config.media.calls)),
        },
        bind: config.sip.listen.ip(),
        udp_ports,
        real_time: true,
        core,
    };
    media_thread::start(&config).context("the sound cannot be started")
}

fn udp_ports(config: &Config, options: &Options) -> UdpPorts {
    if options.any_port { UdpPorts::Any } else { UdpPorts::From(config.media.rtp_ports) }
}

/// Only those that the system chooses have to be waited for.
fn rtp_ports(config: &Config, options: &Options, opening: &mut Opening) -> Result<Vec<u16>> {
    match udp_ports(config, options).beforehand(ports(config)) {
        Some(ports) => Ok(ports),
        None => Ok(opened(opening)?.addresses.iter().map(SocketAddr::port).collect()),
    }
}

fn opened(opening: &mut Opening) -> Result<&media_thread::Opened> {
    opening.wait().context("the sound cannot be started; [media] rtp_ports chooses other ports")
}

fn real_time_troubles(granted: &media::realtime::Granted) -> impl Iterator<Item = String> {
    let priority = granted.priority.err().map(|why| {
        format!(
            "sound has no real-time priority ({why}): it may stutter under load; the systemd unit grants it (LimitRTPRIO)"
        )
    });
    let core = granted.core.and_then(|(core, outcome)| Some((core, outcome.err()?))).map(|(core, why)| {
        format!(
            "sound has no core of its own ({why}): media_core = {core} in the board file is no core that the box may use; \
             `nproc` counts them, from 0"
        )
    });
    priority.into_iter().chain(core)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_model_leads_no_call_that_it_cannot_hear_or_speak_in() {
        let limits = Limits { turns: 1, longest: std::time::Duration::from_secs(60) };
        let can = |understands, speaks| can_assist(limits, understands, speaks);
        assert_eq!(can(true, true), Ok(limits));
        assert!(can(false, true).is_err_and(|why| why.contains("no words")));
        assert!(can(true, false).is_err_and(|why| why.contains("nothing speaks")));
    }
}
