//! The sound of the company whose signalling is SIPp: plays on events and keeps what comes, with the kernel's own times.
//!
//! SIPp can do neither, and a recording with times is what shows gaps and leaks.

use crate::process::until;
use crate::sound;
use nix::sys::socket::{ControlMessageOwned, MsgFlags, SockaddrIn, recvmsg, setsockopt, sockopt};
use std::collections::VecDeque;
use std::io::IoSliceMut;
use std::net::{SocketAddr, UdpSocket};
use std::os::fd::AsRawFd;
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant, SystemTime};

const FRAME: usize = 160;
const FRAME_TIME: Duration = Duration::from_millis(20);

/// A packet that came.
#[derive(Clone)]
pub struct Packet {
    /// When the kernel had it.
    pub at: SystemTime,
    payload_type: u8,
    payload: Vec<u8>,
}

#[derive(Default)]
struct State {
    queue: VecDeque<u8>,
    packets: Vec<Packet>,
    over: bool,
}

/// One end of one call's sound, µ-law.
pub struct Line {
    pub address: SocketAddr,
    state: Arc<Mutex<State>>,
    thread: Option<JoinHandle<()>>,
}

impl Line {
    pub fn open(address: SocketAddr) -> Self {
        let socket = UdpSocket::bind(address).unwrap();
        socket.set_read_timeout(Some(Duration::from_millis(1))).unwrap();
        setsockopt(&socket, sockopt::ReceiveTimestampns, &true).unwrap();
        let state = Arc::default();
        let shared = Arc::clone(&state);
        let thread = std::thread::spawn(move || run(&socket, &shared));
        Self { address, state, thread: Some(thread) }
    }

    /// Plays this after what it is playing; silence comes after the last.
    pub fn play(&self, samples: &[i16]) {
        self.state.lock().unwrap().queue.extend(sound::encode(samples));
    }

    /// Falls silent.
    pub fn hush(&self) {
        self.state.lock().unwrap().queue.clear();
    }

    /// Waits until all has been played.
    pub fn is_played(&self) -> bool {
        self.state.lock().unwrap().queue.is_empty()
    }

    /// Everything that came so far.
    pub fn packets(&self) -> Vec<Packet> {
        self.state.lock().unwrap().packets.clone()
    }

    /// The keys of every telephone-event that came, RFC 4733 §2.3.
    pub fn keys(&self) -> Vec<u8> {
        let packets = &self.state.lock().unwrap().packets;
        packets.iter().filter(|p| p.payload_type == 101).map(|p| p.payload[0]).collect()
    }

    /// The last `frames` frames of sound that came.
    fn last(&self, frames: usize) -> Option<Vec<i16>> {
        let packets = &self.state.lock().unwrap().packets;
        let from = packets.len().checked_sub(frames)?;
        Some(samples(&packets[from..]))
    }

    /// Waits until it has heard a pure tone for a moment.
    pub fn hears(&self, hz: f64) {
        until(&format!("a tone of {hz} Hz reaches the company"), || {
            self.last(sound::MOMENT / FRAME).is_some_and(|sound| sound::is_tone(&sound, hz))
        });
    }

    /// Waits until it has heard nothing for half a second.
    pub fn hears_silence(&self) {
        until("silence reaches the company", || self.last(25).is_some_and(|s| sound::power(&s) < 100.0));
    }
}

/// The sound of these packets, one after the other; keys are no sound.
pub fn samples(packets: &[Packet]) -> Vec<i16> {
    packets.iter().filter(|p| p.payload_type == 0).flat_map(|p| sound::decode(&p.payload)).collect()
}

/// The packets that came from one moment to another.
pub fn between(packets: &[Packet], from: SystemTime, to: SystemTime) -> Vec<Packet> {
    packets.iter().filter(|p| p.at >= from && p.at < to).cloned().collect()
}

/// The longest time between two packets, and when it began.
pub fn longest_gap(packets: &[Packet]) -> (Duration, SystemTime) {
    let gaps = packets.windows(2).map(|p| (p[1].at.duration_since(p[0].at).unwrap_or_default(), p[0].at));
    gaps.max().expect("sound came")
}

fn run(socket: &UdpSocket, shared: &Mutex<State>) {
    let (mut peer, mut sequence, mut next) = (None, 0_u16, Instant::now());
    loop {
        if let Some((from, packet)) = receive(socket) {
            peer = Some(from);
            shared.lock().unwrap().packets.push(packet);
        }
        let mut state = shared.lock().unwrap();
        if state.over {
            return;
        }
        let Some(to) = peer.filter(|_| Instant::now() >= next) else { continue };
        next = (next + FRAME_TIME).max(Instant::now() - 10 * FRAME_TIME);
        let n = state.queue.len().min(FRAME);
        let mut frame: Vec<u8> = state.queue.drain(..n).collect();
        drop(state);
        // 0xff is silence in µ-law.
        frame.resize(FRAME, 0xff);
        let mut packet = vec![0x80, 0];
        packet.extend(sequence.to_be_bytes());
        packet.extend((u32::from(sequence) * FRAME as u32).to_be_bytes());
        packet.extend(*b"firm");
        packet.extend(frame);
        sequence = sequence.wrapping_add(1);
        let _ = socket.send_to(&packet, to);
    }
}

fn receive(socket: &UdpSocket) -> Option<(SocketAddr, Packet)> {
    let mut bytes = [0; 2048];
    let mut space = nix::cmsg_space!(nix::sys::time::TimeSpec);
    let mut slices = [IoSliceMut::new(&mut bytes)];
    let message =
        recvmsg::<SockaddrIn>(socket.as_raw_fd(), &mut slices, Some(&mut space), MsgFlags::empty()).ok()?;
    let from = message.address?;
    let at = message.cmsgs().ok()?.find_map(|c| match c {
        ControlMessageOwned::ScmTimestampns(time) => Some(SystemTime::UNIX_EPOCH + Duration::from(time)),
        _ => None,
    })?;
    let length = message.bytes;
    let from = SocketAddr::from((from.ip(), from.port()));
    let packet = bytes.get(..length)?;
    let payload = packet.get(12..)?.to_vec();
    Some((from, Packet { at, payload_type: packet[1] & 0x7f, payload }))
}

impl Drop for Line {
    fn drop(&mut self) {
        self.state.lock().unwrap().over = true;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}
