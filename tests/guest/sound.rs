//! The far side of a sound card that the kernel makes up (snd-aloop): what the box plays there is heard, and what is played
//! there the box records.

use alsa::pcm::{Access, Format, HwParams, PCM};
use alsa::{Direction, ValueOr};
use hold_slayer::dsp::detect::{Goertzel, mean_power};
use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// What the box plays at unless it is told otherwise.
pub const RATE: u32 = 48_000;
const DRIVER: &str = "/sys/bus/platform/drivers/snd_aloop";
const DEVICE: &str = "snd_aloop.0";

fn open(direction: Direction, rate: u32) -> PCM {
    let pcm = PCM::new("hw:CARD=Loopback,DEV=1", direction, false).unwrap();
    {
        let params = HwParams::any(&pcm).unwrap();
        params.set_access(Access::RWInterleaved).unwrap();
        params.set_format(Format::s16()).unwrap();
        params.set_channels(1).unwrap();
        params.set_rate(rate, ValueOr::Nearest).unwrap();
        params.set_buffer_time_near(500_000, ValueOr::Nearest).unwrap();
        pcm.hw_params(&params).unwrap();
    }
    pcm
}

/// What says that one may dial, in the country that the box is in unless it is told otherwise, ITU-T E.180.
pub const DIAL_TONE: [f32; 2] = [350.0, 440.0];
/// What rings where there is no bell.
pub const BELL: [f32; 2] = [1_000.0, 1_025.0];

/// Whether the box comes to play these tones (Hz), each as loud as the others, and hardly anything else.
pub fn hears(hz: &[f32], within: Duration) -> bool {
    hears_at(RATE, hz, within)
}

/// The same where the box plays at this rate: both sides of such a card have the same.
pub fn hears_at(rate: u32, hz: &[f32], within: Duration) -> bool {
    let begun = Instant::now();
    let share = 0.7 / hz.len() as f32;
    let pcm = open(Direction::Capture, rate);
    let mut block = vec![0_i16; rate as usize / 10];
    let mut tenths = 0;
    while begun.elapsed() < within {
        match pcm.io_i16().unwrap().readi(&mut block) {
            Ok(_) => {}
            Err(error) => {
                // Where nothing came for too long there is nothing to recover.
                if pcm.try_recover(error, true).is_err() {
                    pcm.prepare().unwrap();
                }
                continue;
            }
        }
        let samples: Vec<f32> = block.iter().map(|s| f32::from(*s)).collect();
        let all = mean_power(&samples);
        // The detector is made for 8 kHz.
        let power = |hz: &f32| Goertzel::new(hz * 8_000.0 / rate as f32).power(&samples);
        let is_it = hz.iter().all(|hz| power(hz) > share * all);
        tenths = if is_it && all > 1_000.0 { tenths + 1 } else { 0 };
        if tenths == 5 {
            return true;
        }
    }
    false
}

/// Somebody who hums into the microphone for as long as this lives.
pub struct Hum {
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Hum {
    pub fn new(hz: f32) -> Self {
        Self::at(RATE, hz)
    }

    pub fn at(rate: u32, hz: f32) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let over = stop.clone();
        let run = move || {
            let pcm = open(Direction::Playback, rate);
            let mut at = 0_u32;
            while !over.load(Ordering::Relaxed) {
                let sample = |n: u32| {
                    let turn = (at + n) as f32 * hz / rate as f32 * std::f32::consts::TAU;
                    (turn.sin() * 6_000.0) as i16
                };
                let block: Vec<i16> = (0..rate / 50).map(sample).collect();
                at = (at + rate / 50) % rate;
                if let Err(error) = pcm.io_i16().unwrap().writei(&block) {
                    let _ = pcm.try_recover(error, true);
                }
            }
        };
        Self { stop, thread: Some(std::thread::spawn(run)) }
    }
}

impl Drop for Hum {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.take().unwrap().join().unwrap();
    }
}

/// How the box's own stream stands: "RUNNING", "XRUN", "SETUP" …; nothing if it is closed.
pub fn playing() -> String {
    let status = fs::read_to_string("/proc/asound/Loopback/pcm0p/sub0/status").unwrap_or_default();
    status.lines().find_map(|line| line.strip_prefix("state: ")).unwrap_or_default().to_owned()
}

/// Takes the card away, whoever uses it, or plugs it in again.
pub fn plug(there: bool) {
    fs::write(format!("{DRIVER}/{}", if there { "bind" } else { "unbind" }), DEVICE).unwrap();
}
