//! The last two seconds as the classifier reads them: a picture of columns of [`Look::mel`], oldest first.

use super::spectrum::{Look, MEL_BANDS, MEL_FAINT};

/// Columns of the picture: 1.92 s.
pub const FRAMES: usize = 96;
/// Numbers in the picture.
pub const FEATURES: usize = FRAMES * MEL_BANDS;

/// A ring of columns. Before anything was heard they are faint.
pub struct Window {
    columns: [[i8; MEL_BANDS]; FRAMES],
    next: usize,
}

impl Default for Window {
    fn default() -> Self {
        Self { columns: [[MEL_FAINT; MEL_BANDS]; FRAMES], next: 0 }
    }
}

impl Window {
    /// Takes the next look.
    pub fn push(&mut self, look: &Look) {
        self.columns[self.next] = look.mel;
        self.next = (self.next + 1) % FRAMES;
    }

    /// The picture, column after column.
    pub fn features(&self) -> [i8; FEATURES] {
        let mut all = [0; FEATURES];
        let (newer, older) = self.columns.split_at(self.next);
        let (first, last) = all.split_at_mut(older.len() * MEL_BANDS);
        first.copy_from_slice(older.as_flattened());
        last.copy_from_slice(newer.as_flattened());
        all
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::super::spectrum::Spectrum;
    use super::*;
    use crate::units::Frame;

    #[test]
    fn the_picture_is_the_one_that_the_network_was_trained_on() {
        let file = include_bytes!("../../tests/listen/golden/features");
        let (sound, expected) = file.split_at(2 * 2 * 8000);
        let samples: Vec<i16> = sound.as_chunks().0.iter().map(|b| i16::from_le_bytes(*b)).collect();
        let (mut spectrum, mut window) = (Spectrum::default(), Window::default());
        for samples in samples.as_chunks::<160>().0 {
            window.push(&spectrum.look(&Frame(*samples)));
        }
        let expected = &expected[expected.len() - FEATURES..];
        let off = |(a, b): (&i8, &u8)| (i32::from(*a) - i32::from(*b as i8)).abs();
        let worst = window.features().iter().zip(expected).map(off).max();
        // 32-bit against 64-bit arithmetic: a step of 0.28 dB at the edge of rounding.
        assert!(worst.is_some_and(|w| w <= 1), "{worst:?}");
        assert!(
            expected.iter().any(|&x| x as i8 > 50) && expected.contains(&(MEL_FAINT as u8)),
            "a fair test"
        );
    }

    #[test]
    fn the_oldest_column_goes_first() {
        let mut window = Window::default();
        let look = Spectrum::default().look(&Frame::SILENCE);
        for n in 0..FRAMES + 3 {
            window.push(&Look { mel: [n as i8; MEL_BANDS], ..look });
        }
        let all = window.features();
        assert_eq!((all[0], all[FEATURES - 1]), (3, (FRAMES + 2) as i8));
    }
}
