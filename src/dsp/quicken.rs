//! Sound in fast motion at its own pitch: pieces of it, each blended into the last where the two are most alike (WSOLA).

/// Samples of a piece: 15 ms, more than a period of the deepest voice.
const PIECE: usize = 120;
/// So far around its place a piece is looked for: 10 ms, a whole period.
const REACH: usize = 80;

/// Writes `sound` into `out`, `speed` times as fast, 1 to 3, and says how many samples that took: as many as `sound` has,
/// divided by `speed`, and no more than there is room for. Allocates nothing.
pub fn quicken(sound: &[i16], speed: f32, out: &mut [i16]) -> usize {
    let speed = speed.clamp(1.0, 3.0);
    let wanted = ((sound.len() as f32 / speed) as usize).min(out.len());
    let mut goes_on = 0;
    for (n, piece) in out[..wanted].chunks_mut(PIECE).enumerate() {
        let place = ((n * PIECE) as f32 * speed) as usize;
        let from = most_alike(sound, goes_on, place);
        for (i, out) in piece.iter_mut().enumerate() {
            let (last, next) = (sample(sound, goes_on + i), sample(sound, from + i));
            *out = ((last * (PIECE - i) as i32 + next * i as i32) / PIECE as i32) as i16;
        }
        goes_on = from + PIECE;
    }
    wanted
}

fn sample(sound: &[i16], at: usize) -> i32 {
    sound.get(at).copied().map_or(0, i32::from)
}

/// Where around `place` the sound is most like what goes on from `goes_on`.
fn most_alike(sound: &[i16], goes_on: usize, place: usize) -> usize {
    let from = place.saturating_sub(REACH);
    let Some(model) = sound.get(goes_on..goes_on + PIECE) else { return place };
    let mut best = (f32::MIN, place);
    for at in from..=place + REACH {
        let Some(piece) = sound.get(at..at + PIECE) else { break };
        let (mut product, mut energy) = (0.0f32, 1.0f32);
        for (a, b) in model.iter().zip(piece) {
            product += f32::from(*a) * f32::from(*b);
            energy += f32::from(*b) * f32::from(*b);
        }
        let likeness = product / energy.sqrt();
        if likeness > best.0 {
            best = (likeness, at);
        }
    }
    best.1
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rises(sound: &[i16]) -> usize {
        sound.windows(2).filter(|pair| pair[0] < 0 && pair[1] >= 0).count()
    }

    #[test]
    fn it_is_as_much_shorter_as_it_is_faster_and_keeps_its_pitch_and_its_level() {
        for hz in [90.0, 210.0, 440.0, 1_000.0] {
            let sine = |n: usize| (n as f32 / 8_000.0 * hz * core::f32::consts::TAU).sin() * 8_000.0;
            let sound: Vec<i16> = (0..16_000).map(|n| sine(n) as i16).collect();
            for speed in [1.0, 1.3, 1.7, 2.0] {
                let mut out = vec![0; sound.len()];
                let length = quicken(&sound, speed, &mut out);
                assert_eq!(length, (16_000.0 / speed) as usize);
                let (heard, seconds) = (&out[..length], length as f32 / 8_000.0);
                let pitch = rises(heard) as f32 / seconds;
                assert!((pitch / hz - 1.0).abs() < 0.02, "{hz} Hz at {speed}: {pitch}");
                // The last pieces have little to choose from.
                let peak = heard[..length - 400].chunks_exact(100).map(|c| c.iter().map(|s| s.abs()).max());
                assert!(peak.flatten().all(|peak| (7_000..8_100).contains(&peak)), "{hz} Hz at {speed}");
            }
        }
    }

    #[test]
    fn no_sound_and_no_room_are_no_trouble() {
        let mut out = [7; 100];
        assert_eq!(quicken(&[], 1.7, &mut out), 0);
        assert_eq!(quicken(&[1; 50], 1.7, &mut out), 29);
        assert_eq!(quicken(&[1; 5_000], f32::NAN, &mut out), 0);
        assert_eq!(quicken(&[1; 5_000], 1.7, &mut out), 100);
        assert_eq!(quicken(&[i16::MIN; 5_000], 100.0, &mut out), 100);
        assert_eq!(quicken(&[1; 5_000], 1.7, &mut []), 0);
    }
}
