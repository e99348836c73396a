//! Asterisk as a provider: the box registers at it, it answers whatever is dialled, and it calls the box.
//!
//! It comes from a system of its own in a folder, which `tests/setup.sh peers` makes in some minutes; where that is missing,
//! or may not be entered, its tests say so and do nothing, unless `ASTERISK` in the environment says that it must be there.

use crate::place::Place;
use crate::process::{Process, until};
use crate::sound;
use crate::way::{Certificates, Way};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The user and the password that the box registers with.
pub const USER: &str = "100000";
pub const PASSWORD: &str = "of the box";

/// One Asterisk.
pub struct Asterisk {
    pub sip: SocketAddr,
    system: PathBuf,
    /// Its files, as seen from here.
    folder: PathBuf,
    /// Its main file, as it sees it.
    main: String,
    process: Process,
}

/// The folder with its system, if it can be used.
pub fn system() -> Option<PathBuf> {
    let cache = std::env::var_os("HOME").map_or_else(PathBuf::new, PathBuf::from).join(".cache");
    let system = cache.join("hold-slayer-peers/chroot-sid");
    let is_there = system.join("usr/sbin/asterisk").exists() && nix::unistd::geteuid().is_root();
    assert!(
        is_there || std::env::var_os("ASTERISK").is_none(),
        "no Asterisk for root in {}",
        system.display()
    );
    if !is_there {
        eprintln!(
            "NOT TESTED: no Asterisk that root can use in {}; make peers installs it",
            system.display()
        );
    }
    is_there.then_some(system)
}

impl Asterisk {
    /// Starts it on this transport; what it plays to whoever it talks with is a tone.
    pub fn start(system: &Path, place: &Place, way: Way, certificates: &Certificates, tone: f64) -> Self {
        let name = place.path("asterisk").display().to_string().replace('/', "-");
        let own = format!("/tmp/asterisk{name}");
        let folder = system.join(own.trim_start_matches('/'));
        let _ = std::fs::remove_dir_all(&folder);
        for part in ["run", "spool", "log", "db", "keys"] {
            std::fs::create_dir_all(folder.join(part)).unwrap();
        }
        for (file, from) in [
            ("root.pem", &certificates.root),
            ("leaf.pem", &certificates.leaf),
            ("leaf.key", &certificates.key),
        ] {
            std::fs::copy(from, folder.join(file)).unwrap();
        }
        let (sip, rtp) = (place.ports(1), place.ports(16).port());
        for (file, text) in files(&own, sip, rtp, way, tone) {
            std::fs::write(folder.join(file), text).unwrap();
        }
        let main = format!("{own}/asterisk.conf");
        let mut command = Command::new("chroot");
        let command = command.arg(system).args(["/usr/sbin/asterisk", "-f", "-vvv", "-C", &main]);
        let process = Process::start("asterisk", command);
        let asterisk = Self { sip, system: system.to_owned(), folder, main, process };
        until("Asterisk is up", || asterisk.tell("core waitfullybooted").contains("fully booted"));
        asterisk
    }

    /// A command of its console, and what it answers.
    fn tell(&self, command: &str) -> String {
        let mut console = Command::new("chroot");
        console.arg(&self.system).args(["/usr/sbin/asterisk", "-C", &self.main, "-rx", command]);
        String::from_utf8_lossy(&console.output().unwrap().stdout).into_owned()
    }

    /// Waits until the box is registered.
    pub fn knows_the_box(&self) {
        until("the box is registered at Asterisk", || self.tell("pjsip show contacts").contains(USER));
    }

    /// Waits until the box is registered no more.
    pub fn forgets_the_box(&self) {
        until("the box has left", || self.tell("pjsip show contacts").contains("No objects found"));
    }

    /// Calls whoever is registered.
    pub fn calls(&self) {
        // What it heard before is no proof.
        let _ = std::fs::remove_file(self.folder.join("heard.wav"));
        self.tell(&format!("channel originate PJSIP/{USER} extension s@talk"));
    }

    /// Ends every call.
    pub fn hangs_up(&self) {
        self.tell("channel request hangup all");
    }

    /// Waits until it has no call.
    pub fn is_free(&self) {
        until("Asterisk has no call", || self.tell("core show channels count").contains("0 active channels"));
    }

    /// Waits until it has understood this key.
    pub fn is_told(&self, key: char) {
        until("a key reaches Asterisk", || self.process.output().contains(&format!("KEY={key}")));
    }

    fn heard(&self) -> Vec<i16> {
        sound::unfinished(&self.folder.join("heard.wav"))
    }

    /// Waits until it has heard a pure tone for a moment.
    pub fn hears(&self, hz: f64) {
        until(&format!("a tone of {hz} Hz reaches Asterisk"), || {
            let heard = self.heard();
            heard.len() > sound::MOMENT && sound::is_tone(&heard[heard.len() - sound::MOMENT..], hz)
        });
    }

    /// Waits until it has heard nothing for half a second.
    pub fn hears_silence(&self) {
        until("silence reaches Asterisk", || {
            let heard = self.heard();
            heard.len() > 4000 && sound::power(&heard[heard.len() - 4000..]) < 100.0
        });
    }
}

impl Drop for Asterisk {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("──── {}", self.tell("core show channels concise"));
        }
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

const MODULES: &str = "res_timing_timerfd res_sorcery_config res_sorcery_memory res_sorcery_astdb res_pjproject res_pjsip \
    res_pjsip_session res_pjsip_pubsub res_geolocation res_statsd res_pjsip_geolocation res_pjsip_sdp_rtp \
    res_pjsip_authenticator_digest res_pjsip_registrar res_pjsip_endpoint_identifier_user \
    res_pjsip_endpoint_identifier_ip res_pjsip_caller_id res_pjsip_nat res_pjsip_rfc3326 res_rtp_asterisk chan_pjsip \
    bridge_simple codec_ulaw codec_alaw format_wav format_pcm pbx_config app_mixmonitor app_playtones app_read \
    app_verbose res_clioriginate";

fn files(own: &str, sip: SocketAddr, rtp: u16, way: Way, tone: f64) -> [(&'static str, String); 6] {
    let modules: String = MODULES.split_whitespace().map(|name| format!("load = {name}.so\n")).collect();
    let secure = if way == Way::Tls {
        format!(
            "cert_file={own}/leaf.pem\npriv_key_file={own}/leaf.key\nca_list_file={own}/root.pem\nmethod=tlsv1_2\n"
        )
    } else {
        String::new()
    };
    let way = way.name();
    let steps = |exten: &str| {
        format!(
            "exten => {exten},1,Answer()\n same => n,MixMonitor({own}/mix.wav,r({own}/heard.wav))\n \
             same => n,Playtones({tone})\n same => n,Read(KEY,,1,,1,60)\n same => n,Verbose(0,KEY=${{KEY}})\n \
             same => n,Playtones({tone})\n same => n,Wait(60)\n"
        )
    };
    [
        (
            "asterisk.conf",
            format!(
                "[directories]\nastetcdir => {own}\nastmoddir => /usr/lib/x86_64-linux-gnu/asterisk/modules\n\
                 astvarlibdir => /var/lib/asterisk\nastdbdir => {own}/db\nastkeydir => {own}/keys\n\
                 astdatadir => /usr/share/asterisk\nastagidir => /usr/share/asterisk/agi-bin\nastspooldir => {own}/spool\n\
                 astrundir => {own}/run\nastlogdir => {own}/log\n"
            ),
        ),
        ("modules.conf", format!("[modules]\nautoload = no\n{modules}")),
        ("logger.conf", "[general]\n[logfiles]\nconsole => error,warning,verbose\n".to_owned()),
        ("rtp.conf", format!("[general]\nrtpstart={rtp}\nrtpend={}\n", rtp + 15)),
        (
            "pjsip.conf",
            format!(
                "[way]\ntype=transport\nprotocol={way}\nbind={sip}\n{secure}\n\
                 [{USER}]\ntype=endpoint\ncontext=dialled\nauth={USER}\naors={USER}\ndisallow=all\nallow=ulaw\n\
                 direct_media=no\nrtp_symmetric=yes\nrewrite_contact=yes\ndtmf_mode=rfc4733\n\
                 [{USER}]\ntype=auth\nauth_type=userpass\nusername={USER}\npassword={PASSWORD}\n\
                 [{USER}]\ntype=aor\nmax_contacts=1\nremove_existing=yes\n"
            ),
        ),
        ("extensions.conf", format!("[general]\n[dialled]\n{}[talk]\n{}", steps("_X."), steps("s"))),
    ]
}
