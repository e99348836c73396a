//! The box in numbers, in Prometheus' text format: base units, few labels, and never a number or a name.

use crate::call::{Phase, Snapshot};
use crate::media::counters::{COST_US, Counted, DISCARDS, Discard, LATENESS_US};
use core::fmt::{Display, Write};

/// Everything.
pub(super) fn text(snapshot: &Snapshot, counted: Option<&Counted>) -> String {
    let mut out = Page(String::new());
    calls(&mut out, snapshot);
    streams(&mut out, snapshot);
    if let Some(counted) = counted {
        sound(&mut out, counted);
    }
    out.0
}

struct Page(String);

impl Page {
    /// One metric: its help, its kind, and a line for each set of labels.
    fn metric(&mut self, name: &str, kind: &str, help: &str, rows: &[(&str, &dyn Display)]) {
        // Writing to a string does not fail.
        let _ = write!(self.0, "# HELP hold_slayer_{name} {help}\n# TYPE hold_slayer_{name} {kind}\n");
        for (labels, value) in rows {
            let _ = writeln!(self.0, "hold_slayer_{name}{labels} {value}");
        }
    }

    /// A histogram whose classes have these upper bounds in microseconds, told in seconds.
    fn histogram(&mut self, name: &str, help: &str, bounds_us: &[u64], classes: &[u64], sum_us: u64) {
        let _ = write!(self.0, "# HELP hold_slayer_{name} {help}\n# TYPE hold_slayer_{name} histogram\n");
        let mut so_far = 0;
        for (bound, class) in bounds_us.iter().zip(classes) {
            so_far += class;
            let _ = match *bound {
                u64::MAX => writeln!(self.0, "hold_slayer_{name}_bucket{{le=\"+Inf\"}} {so_far}"),
                us => writeln!(self.0, "hold_slayer_{name}_bucket{{le=\"{}\"}} {so_far}", seconds(us)),
            };
        }
        let _ = writeln!(self.0, "hold_slayer_{name}_sum {}", seconds(sum_us));
        let _ = writeln!(self.0, "hold_slayer_{name}_count {so_far}");
    }
}

fn seconds(us: u64) -> f64 {
    us as f64 / 1e6
}

fn calls(out: &mut Page, snapshot: &Snapshot) {
    let in_phase = |wanted: &[Phase]| snapshot.calls.iter().filter(|c| wanted.contains(&c.phase)).count();
    let holding = in_phase(&[
        Phase::Menu,
        Phase::Assisted,
        Phase::Confirming,
        Phase::Holding,
        Phase::Greeting,
        Phase::Ringing,
    ]);
    let talking = in_phase(&[Phase::Talking, Phase::Parked]);
    let dialing = in_phase(&[Phase::Dialing, Phase::Incoming]);
    out.metric(
        "calls",
        "gauge",
        "Calls that are up.",
        &[
            ("{state=\"dialing\"}", &dialing),
            ("{state=\"talking\"}", &talking),
            ("{state=\"holding\"}", &holding),
        ],
    );
    let up = |peers: &[crate::call::PeerView]| peers.iter().filter(|peer| peer.up).count();
    let down = |peers: &[crate::call::PeerView]| peers.iter().filter(|peer| !peer.up).count();
    out.metric(
        "peers",
        "gauge",
        "Trunks and phones by whether calls can be placed to them.",
        &[
            ("{kind=\"trunk\",state=\"up\"}", &up(&snapshot.trunks)),
            ("{kind=\"trunk\",state=\"down\"}", &down(&snapshot.trunks)),
            ("{kind=\"phone\",state=\"up\"}", &up(&snapshot.phones)),
            ("{kind=\"phone\",state=\"down\"}", &down(&snapshot.phones)),
        ],
    );
    let discards: u64 = snapshot.discards.values().sum();
    out.metric("signalling_discards_total", "counter", "Signalling dropped silently.", &[("", &discards)]);
    out.metric("troubles", "gauge", "Things wrong with the box itself.", &[("", &snapshot.troubles.len())]);
}

/// The worst of the streams that are up on each side: calls come and go, and are no labels.
fn streams(out: &mut Page, snapshot: &Snapshot) {
    let worst = |trunk: bool, of: &dyn Fn(&crate::rtp::report::Quality) -> f64| {
        let all = snapshot.calls.iter().flat_map(|call| &call.streams).filter(|s| s.trunk == trunk);
        all.map(|s| of(&s.quality)).fold(0.0, f64::max)
    };
    type Of = fn(&crate::rtp::report::Quality) -> f64;
    let rows: [(&str, &str, Of); 5] = [
        ("stream_loss_ratio", "Share of packets that never came.", |q| q.loss()),
        ("stream_jitter_seconds", "Interarrival jitter, RFC 3550.", |q| seconds(q.jitter_us.into())),
        ("stream_far_loss_ratio", "Share that the peer reports lost.", |q| {
            q.far.map_or(0.0, |f| f64::from(f.lost_256ths) / 256.0)
        }),
        ("stream_round_trip_seconds", "To the peer and back, by RTCP.", |q| {
            seconds(q.far.and_then(|f| f.round_trip_us).unwrap_or(0).into())
        }),
        ("stream_concealed_seconds", "Concealed where the box decodes.", |q| seconds(q.concealed_ms * 1000)),
    ];
    for (name, help, of) in rows {
        let (trunk, house) = (worst(true, &of), worst(false, &of));
        let help = format!("{help} The worst of the streams that are up.");
        out.metric(name, "gauge", &help, &[("{side=\"trunk\"}", &trunk), ("{side=\"house\"}", &house)]);
    }
}

fn sound(out: &mut Page, c: &Counted) {
    out.metric(
        "rtp_packets_total",
        "counter",
        "RTP packets.",
        &[("{way=\"in\"}", &c.packets_in), ("{way=\"out\"}", &c.packets_out)],
    );
    out.metric("rtp_forwarded_total", "counter", "RTP packets passed on at once.", &[("", &c.forwarded)]);
    out.metric("rtp_lost_total", "counter", "RTP packets that never came.", &[("", &c.lost)]);
    out.metric("rtp_filled_total", "counter", "Packets sent in a silent side's stead.", &[("", &c.filled)]);
    out.metric(
        "rtcp_reports_total",
        "counter",
        "RTCP reports.",
        &[("{way=\"in\"}", &c.reports_in), ("{way=\"out\"}", &c.reports_out)],
    );
    out.metric(
        "ssrc_collisions_total",
        "counter",
        "Peers that had our source number.",
        &[("", &c.collisions)],
    );
    out.metric(
        "ring_lost_total",
        "counter",
        "What a slow reader of a ring lost.",
        &[("{ring=\"events\"}", &c.events_lost), ("{ring=\"taps\"}", &c.tap_frames_lost)],
    );
    out.metric("digits_lost_total", "counter", "Keys that were not sent.", &[("", &c.digits_lost)]);
    out.metric(
        "ticks_skipped_total",
        "counter",
        "Ticks not made up for after a stall.",
        &[("", &c.ticks_skipped)],
    );
    let labels: [String; DISCARDS] = Discard::ALL.map(|why| format!("{{reason=\"{}\"}}", why.name()));
    let rows: Vec<(&str, &dyn Display)> =
        labels.iter().zip(&c.discards).map(|(label, n)| (label.as_str(), n as &dyn Display)).collect();
    out.metric("rtp_discards_total", "counter", "Packets dropped without being heard.", &rows);
    out.histogram("tick_lateness_seconds", "How late ticks began.", &LATENESS_US, &c.lateness, c.late_us);
    out.histogram("tick_cost_seconds", "How long ticks took.", &COST_US, &c.cost, c.cost_us);
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::call::{CallView, StreamView};
    use crate::rtp::report::{Far, Quality};
    use crate::units::{CallId, Wall};

    #[test]
    fn every_line_is_prometheus_and_no_number_is_in_it() {
        let far = Some(Far { lost_256ths: 64, lost: 3, jitter_us: 1, round_trip_us: Some(40_000) });
        let quality = Quality { received: 99, lost: 1, jitter_us: 2_500, far, ..Quality::default() };
        let call = CallView {
            id: CallId(4711),
            outgoing: true,
            number: "0800 330 1000".into(),
            phase: Phase::Holding,
            started: Wall(0),
            hold_started: None,
            ends_at: None,
            usual_wait_ms: None,
            queue: None,
            captions: Vec::new(),
            sound: None,
            heard: Vec::new(),
            last: String::new(),
            streams: vec![StreamView { trunk: true, quality }],
            recording: false,
            may_listen: false,
            found: false,
            weighs: None,
            line_encrypted: false,
            phones_encrypted: false,
        };
        let snapshot = Snapshot { calls: vec![call], ..Snapshot::default() };
        let mut counted = Counted { packets_in: 7, late_us: 1_500_000, ..Counted::default() };
        (counted.lateness[0], counted.lateness[8], counted.discards[3]) = (5, 2, 9);
        let text = text(&snapshot, Some(&counted));
        for line in [
            "hold_slayer_calls{state=\"holding\"} 1",
            "hold_slayer_rtp_packets_total{way=\"in\"} 7",
            "hold_slayer_rtp_discards_total{reason=\"foreign\"} 9",
            "hold_slayer_tick_lateness_seconds_bucket{le=\"0.0001\"} 5",
            "hold_slayer_tick_lateness_seconds_bucket{le=\"+Inf\"} 7",
            "hold_slayer_tick_lateness_seconds_sum 1.5",
            "hold_slayer_tick_lateness_seconds_count 7",
            "hold_slayer_stream_loss_ratio{side=\"trunk\"} 0.01",
            "hold_slayer_stream_jitter_seconds{side=\"trunk\"} 0.0025",
            "hold_slayer_stream_far_loss_ratio{side=\"trunk\"} 0.25",
            "hold_slayer_stream_round_trip_seconds{side=\"trunk\"} 0.04",
        ] {
            assert!(text.lines().any(|l| l == line), "{line} in\n{text}");
        }
        for line in text.lines().filter(|l| !l.starts_with('#')) {
            let (name, value) = line.rsplit_once(' ').unwrap();
            assert!(name.starts_with("hold_slayer_") && value.parse::<f64>().is_ok(), "{line}");
        }
        assert!(!text.contains("0800") && !text.contains("4711"));
    }
}
