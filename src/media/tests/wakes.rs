//! How often the machine has to be woken beside its packets: each wake costs as much as many packets.

use super::*;

const PAIRS: u16 = 40;
const SECONDS: u64 = 20;

/// Joined calls whose peers speak all the time, evenly spread over the frame: how often the deadline was reached, and how
/// many reports left.
fn wakes(pairs: u16, studio: bool) -> (u64, u64, u64) {
    let country = crate::dsp::tone::Country::by_code("us").unwrap();
    let config = Config {
        ports: 2 * pairs,
        country,
        sounds: vec![],
        wideband: false,
        studio_frames: 50 * SECONDS as usize,
    };
    let (mut media, mut outlets) = Media::new(&config).unwrap();
    let mut now = Instant(1_000_000);
    for port in (0..2 * pairs).map(PortId) {
        let rtcp = Some(SocketAddr::from(([10, 0, 0, 1], 7)));
        let stream = Stream { rtcp, ..stream(port, Codec::Pcmu) };
        media.command(now, MediaCommand::Open { port, stream, seed: u64::from(port.0) });
        if port.0 % 2 == 1 {
            media.command(now, MediaCommand::Join(PortId(port.0 - 1), port));
        }
        media.command(now, MediaCommand::Studio(port, studio));
    }
    let (mut ticks, mut reports, mut told) = (0, 0, 0);
    for frame in 0..SECONDS * 50 {
        for port in 0..2 * pairs {
            // Not in the two milliseconds after a tick: before the next one the loop would look whether such a stream is dry.
            let at = Instant(1_002_500 + frame * 20_000 + u64::from(port) * 20_000 / u64::from(2 * pairs));
            while let Some(deadline) = media.deadline().filter(|deadline| *deadline <= at) {
                ticks += u64::from(frame >= 50);
                media.tick(deadline, &mut |d| reports += u64::from(d.control));
            }
            now = at;
            let header = Header {
                payload_type: 0,
                marker: false,
                sequence: frame as u16,
                timestamp: frame as u32 * 160,
                ssrc: 9 + u32::from(port),
            };
            let mut datagram = [0x42; HEADER_BYTES + 160];
            packet::prefix(&header, &mut datagram, HEADER_BYTES).unwrap();
            media.packet(now, PortId(port), address(PortId(port)), &mut datagram, &mut |_| ());
            told += u64::from(media.told().studio);
        }
        while outlets.studio.pop().is_ok() {}
    }
    (ticks / (SECONDS - 1), reports, told / SECONDS)
}

#[test]
fn joined_calls_wake_it_for_a_few_reports_at_once() {
    let (ticks, reports, told) = wakes(PAIRS, false);
    assert!(ticks <= 12, "{ticks} wakes a second");
    // RFC 3550 §6.2: 2.5 to 7.5 s apart, compensated.
    let each = reports / u64::from(2 * PAIRS);
    assert!((3..=8).contains(&each), "{reports} reports of {PAIRS} calls in {SECONDS} s");
    assert_eq!(told, 0);
    let (one, ..) = wakes(1, false);
    assert!(one <= 2, "{one} wakes a second for one call");
}

#[test]
fn the_studio_is_woken_for_many_frames_at_once() {
    let (ticks, _, told) = wakes(2, true);
    assert!((50..=62).contains(&ticks) && (4..=6).contains(&told), "{ticks} ticks, {told} wakes a second");
}
