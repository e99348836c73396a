//! The listener allocates when it is made and for the words of a verdict, never per frame.
#![allow(clippy::unwrap_used)]

use assert_no_alloc::{AllocDisabler, assert_no_alloc};
use hold_slayer::listen::{Heard, Input, Listener, Settings};
use hold_slayer::units::{Frame, Tick};

#[global_allocator]
static ALLOCATOR: AllocDisabler = AllocDisabler;

#[test]
fn nothing_is_allocated_per_frame() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/listen/sound");
    let music = std::fs::read(format!("{folder}/music-0.ul")).unwrap();
    let voice = std::fs::read(format!("{folder}/recorded-hans-1.ul")).unwrap();
    // Speech before any sound of waiting gives no verdict, so no words either.
    let bytes = [&voice[..], &voice, &music].concat();
    let sound: Vec<i16> = bytes.into_iter().map(audio_codec_algorithms::decode_ulaw).collect();
    let mut listener = Listener::new(Settings::default());
    let mut sounds = 0;
    for (n, samples) in sound.as_chunks::<160>().0.iter().enumerate() {
        let frame = Frame(*samples);
        assert_no_alloc(|| {
            listener.handle(Input::Frame(Tick(n as u64), &frame));
            while let Some(heard) = listener.poll() {
                sounds += u32::from(matches!(heard, Heard::Sound { .. }));
            }
        });
    }
    assert!(sounds >= 2, "voice and music were named");
}
