//! A recorded call, from the wire to the file and the page; and somebody who listens in.

use super::far::Net;
use super::running::{Folder, House, Running, configuration};
use hold_slayer::dsp::detect::Goertzel;
use hold_slayer::limits::LISTENERS;
use std::io::Read;

/// How much of the sound's power lies at one of these frequencies.
fn share(sound: &[f32], hz: [f32; 2]) -> f32 {
    let all = sound.iter().map(|s| s * s).sum::<f32>() / sound.len() as f32;
    // In pieces of 200 ms: the tones take turns.
    let pieces = sound.chunks_exact(1600);
    let count = pieces.len() as f32;
    let at: f32 = pieces.map(|piece| hz.iter().map(|hz| Goertzel::new(*hz).power(piece)).sum::<f32>()).sum();
    at / count / all
}

#[test]
fn a_call_is_listened_in_to_recorded_and_found_on_the_page() {
    let net = Net::new();
    let folder = Folder::new(net);
    let record = "[record]\ncalls = \"all\"\nnotice = \"tone\"\nlisten_in = \"all\"\nspare = 10\n";
    let running =
        Running::with(net, &folder, &folder.0, &(configuration(net, &net.trunk().to_string()) + record));
    let mut house = House::around(net, folder, running);
    let page = house.running.log_in(&house.running.password());
    let status = page.get("/api/v1/status");
    let id = status["calls"][0]["id"].as_u64().unwrap();
    assert_eq!(
        (&status["calls"][0]["recording"], &status["calls"][0]["may_listen"]),
        (&true.into(), &true.into())
    );

    let mut live = page.open(&format!("/calls/{id}/live.wav"));
    let mut bytes = vec![0; 3000];
    live.read_exact(&mut bytes).unwrap();
    let at = bytes.windows(4).position(|four| four == b"RIFF").expect("a WAV begins");
    assert!(String::from_utf8_lossy(&bytes[..at]).starts_with("HTTP/1.1 200"));
    // Three seconds as they are spoken: both sides.
    let mut sound = vec![0; 3 * 16_000];
    live.read_exact(&mut sound).unwrap();
    // Whatever part of the header's block came with the beginning, samples are of two bytes each from its start.
    let odd = (bytes.len() - at) % 2;
    let samples = |b: &[u8]| -> Vec<f32> {
        b.chunks_exact(2).map(|b| f32::from(i16::from_le_bytes([b[0], b[1]]))).collect()
    };
    let live_sound = samples(&sound[odd..]);
    assert!(share(&live_sound, [1200.0, 1500.0]) > 0.3 && share(&live_sound, [660.0, 800.0]) > 0.3);
    // Four may listen at once; the next is told so, and the others hear on.
    let begin = |bytes: &mut [u8; 12]| {
        let mut more = page.open(&format!("/calls/{id}/live.wav"));
        more.read_exact(bytes).unwrap();
        more
    };
    let mut head = [0; 12];
    let others: Vec<_> = (1..LISTENERS)
        .map(|_| {
            let other = begin(&mut head);
            assert_eq!(&head[9..], b"200");
            other
        })
        .collect();
    let mut refused = String::new();
    begin(&mut head).read_to_string(&mut refused).unwrap();
    assert!(&head[9..] == b"503" && refused.contains("Close one"), "{refused}");
    live.read_exact(&mut sound[..16_000]).unwrap();
    drop((live, others));
    house.talks_on();

    let (code, answer) = page.post(&format!("/api/v1/calls/{id}/hangup"), true);
    assert_eq!(code, 200, "{answer}");
    house.running.says("a recording has ended");
    let file = house.folder.0.join(format!("recordings/{id}-both.wav"));
    let reader = hound::WavReader::open(&file).unwrap();
    assert_eq!((reader.spec().channels, reader.spec().sample_rate), (2, 8000));
    let both: Vec<f32> = reader.into_samples::<i16>().map(|s| f32::from(s.unwrap())).collect();
    let side = |n: usize| both.iter().skip(n).step_by(2).copied().collect::<Vec<f32>>();
    let (owner, company) = (side(0), side(1));
    assert!(owner.len() > 3 * 8000, "{} samples", owner.len());
    assert!(share(&owner[4000..], [660.0, 800.0]) > 0.8 && share(&owner[4000..], [1200.0, 1500.0]) < 0.05);
    assert!(
        share(&company[4000..], [1200.0, 1500.0]) > 0.8 && share(&company[4000..], [660.0, 800.0]) < 0.05
    );

    let mut download = Vec::new();
    page.open(&format!("/calls/{id}/both.wav")).read_to_end(&mut download).unwrap();
    assert!(download.ends_with(&std::fs::read(&file).unwrap()), "the page gives the very file");
    let mut story = String::new();
    page.open(&format!("/calls/{id}")).read_to_string(&mut story).unwrap();
    assert!(story.contains(&format!("src=\"/calls/{id}/both.wav\"")), "{story}");
    for path in [format!("/calls/{id}/both.wav"), format!("/calls/{id}/live.wav")] {
        let reply = house.running.stranger(&path);
        assert!(reply.starts_with("HTTP/1.1 303") || reply.starts_with("HTTP/1.1 401"), "{reply}");
    }
    assert!(house.running.is_up());
}

#[test]
fn a_recording_that_has_ended_is_coded_without_loss_and_found_all_the_same() {
    let net = Net::new();
    let folder = Folder::new(net);
    let record = "[record]\ncalls = \"all\"\nnotice = \"none\"\nformat = \"flac\"\nspare = 10\n";
    let running =
        Running::with(net, &folder, &folder.0, &(configuration(net, &net.trunk().to_string()) + record));
    let house = House::around(net, folder, running);
    let page = house.running.log_in(&house.running.password());
    let id = page.get("/api/v1/status")["calls"][0]["id"].as_u64().unwrap();
    house.talks_on();
    assert_eq!(page.post(&format!("/api/v1/calls/{id}/hangup"), true).0, 200);
    house.running.says("a recording was coded again");
    let file = house.folder.0.join(format!("recordings/{id}-both.flac"));
    assert!(!file.with_extension("wav").exists() && !file.with_extension("part").exists());
    let coded = std::io::BufReader::new(std::fs::File::open(&file).unwrap());
    let mut both = Vec::new();
    flac_codec::decode::FlacSampleReader::new(coded).unwrap().read_to_end(&mut both).unwrap();
    let side = |n: usize| both.iter().skip(n).step_by(2).map(|s| *s as f32).collect::<Vec<f32>>();
    assert!(share(&side(0)[4000..], [660.0, 800.0]) > 0.8 && share(&side(1)[4000..], [1200.0, 1500.0]) > 0.8);

    let mut story = String::new();
    page.open(&format!("/calls/{id}")).read_to_string(&mut story).unwrap();
    assert!(story.contains(&format!("src=\"/calls/{id}/both.flac\"")), "{story}");
    for path in ["both.flac", "both.wav"] {
        let mut download = Vec::new();
        page.open(&format!("/calls/{id}/{path}")).read_to_end(&mut download).unwrap();
        assert!(String::from_utf8_lossy(&download[..300]).contains("audio/flac"), "{path}");
        assert!(download.ends_with(&std::fs::read(&file).unwrap()), "{path}");
    }
}
