//! One call as it is recorded: frames laid out in time, and the file or files they go to.

use super::Sides;
use super::wav::{Disk, Wav};
use crate::dsp::mix::{self, Limiter};
use crate::limits::RECORDING_HOURS;
use crate::media::StudioFrame;
use crate::units::{FRAME_SAMPLES, Frame, Tick};
use std::io;

/// Frames gathered before they are written: a second.
const GATHER: usize = 50;
/// Frames between two moments at which all is made safe: 20 s.
const SAFE: u64 = 1000;
/// The longest recording, in frames.
const LONGEST: u64 = RECORDING_HOURS * 3600 * 50;

/// A recording that goes on.
pub(super) struct Take<D> {
    sides: Sides,
    /// One file, or the house's and the far side's.
    files: Vec<Wav<D>>,
    /// Sound that waits to be written, for each file.
    waiting: [Vec<u8>; 2],
    /// Keeps both sides together below overload.
    limiter: Limiter,
    next: Option<Tick>,
    frames: u64,
    /// Frames of silence that stand for lost ones.
    pub(super) missing: u64,
}

impl<D: Disk> Take<D> {
    /// A recording to empty disks: two for [`Sides::Separate`], else one.
    pub(super) fn new(sides: Sides, disks: Vec<D>) -> io::Result<Self> {
        let channels = if sides == Sides::Stereo { 2 } else { 1 };
        let files = disks.into_iter().map(|disk| Wav::new(disk, channels)).collect::<io::Result<_>>()?;
        let room = || Vec::with_capacity((GATHER + 1) * FRAME_SAMPLES * 4);
        Ok(Self {
            sides,
            files,
            waiting: [room(), room()],
            limiter: Limiter::new(),
            next: None,
            frames: 0,
            missing: 0,
        })
    }

    /// Takes in 20 ms of both sides. What is missing before it becomes silence. False: it is as long as it may be.
    pub(super) fn frame(&mut self, frame: &StudioFrame) -> io::Result<bool> {
        let gap = self.next.map_or(0, |next| frame.tick.since(next));
        self.next = Some(frame.tick.next());
        self.missing += gap;
        for _ in 0..gap.min(LONGEST) {
            self.lay(&Frame::SILENCE, &Frame::SILENCE)?;
        }
        self.lay(&frame.said, &frame.heard)?;
        Ok(self.frames < LONGEST)
    }

    fn lay(&mut self, house: &Frame, far: &Frame) -> io::Result<()> {
        let [one, two] = &mut self.waiting;
        match self.sides {
            Sides::Stereo => {
                for (l, r) in house.0.iter().zip(far.0) {
                    one.extend(l.to_le_bytes());
                    one.extend(r.to_le_bytes());
                }
            }
            Sides::Mono => {
                let mut sum = [0; FRAME_SAMPLES];
                mix::add(&mut sum, house);
                mix::add(&mut sum, far);
                let both = self.limiter.hear(&sum, &Frame::SILENCE);
                both.0.iter().for_each(|sample| one.extend(sample.to_le_bytes()));
            }
            Sides::Separate => {
                house.0.iter().for_each(|sample| one.extend(sample.to_le_bytes()));
                far.0.iter().for_each(|sample| two.extend(sample.to_le_bytes()));
            }
        }
        self.frames += 1;
        if self.frames.is_multiple_of(GATHER as u64) {
            self.write()?;
        }
        if self.frames.is_multiple_of(SAFE) { self.settle() } else { Ok(()) }
    }

    fn write(&mut self) -> io::Result<()> {
        for (file, waiting) in self.files.iter_mut().zip(&mut self.waiting) {
            file.append(waiting)?;
            waiting.clear();
        }
        Ok(())
    }

    /// Writes all there is and makes it safe: from time to time, and at the end.
    pub(super) fn settle(&mut self) -> io::Result<()> {
        self.write()?;
        self.files.iter_mut().try_for_each(Wav::settle)
    }

    /// Bytes of its files.
    pub(super) fn bytes(&self) -> u64 {
        self.files.iter().map(Wav::bytes).sum()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;
    use crate::units::PortId;
    use std::cell::RefCell;
    use std::rc::Rc;

    #[derive(Clone, Default)]
    struct Memory(Rc<RefCell<Vec<u8>>>);

    impl Disk for Memory {
        fn write_at(&mut self, at: u64, bytes: &[u8]) -> io::Result<()> {
            let (mut file, end) = (self.0.borrow_mut(), at as usize + bytes.len());
            let length = file.len().max(end);
            file.resize(length, 0);
            file[at as usize..end].copy_from_slice(bytes);
            Ok(())
        }

        fn sync(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn frame(tick: u64, said: i16, heard: i16) -> StudioFrame {
        let frame = |value| Frame([value; FRAME_SAMPLES]);
        StudioFrame { port: PortId(0), epoch: 1, tick: Tick(tick), heard: frame(heard), said: frame(said) }
    }

    fn samples(disk: &Memory) -> Vec<i16> {
        let bytes = disk.0.borrow().clone();
        hound::WavReader::new(&bytes[..]).unwrap().into_samples::<i16>().map(Result::unwrap).collect()
    }

    /// Records frames with two of them lost.
    fn record(sides: Sides, disks: &[Memory]) -> u64 {
        let mut take = Take::new(sides, disks.to_vec()).unwrap();
        for tick in (700..730).chain(732..800) {
            assert!(take.frame(&frame(tick, 100 + tick as i16, -200)).unwrap());
        }
        take.settle().unwrap();
        assert_eq!(take.bytes(), disks.iter().map(|d| d.0.borrow().len() as u64).sum::<u64>());
        take.missing
    }

    #[test]
    fn sides_lie_as_asked_for_and_lost_frames_are_silence_of_the_same_length() {
        let disks = [Memory::default(), Memory::default()];
        assert_eq!(record(Sides::Stereo, &disks[..1]), 2);
        let both = samples(&disks[0]);
        assert_eq!(both.len(), 100 * FRAME_SAMPLES * 2, "two seconds, whatever was lost");
        assert_eq!(both[..4], [800, -200, 800, -200]);
        assert_eq!(both[30 * 320..30 * 320 + 4], [0; 4]);
        assert_eq!(both[32 * 320..32 * 320 + 2], [832, -200]);
        let disks = [Memory::default(), Memory::default()];
        record(Sides::Separate, &disks);
        assert_eq!((samples(&disks[0])[99 * 160], samples(&disks[1])[99 * 160]), (899, -200));
        assert_eq!((samples(&disks[0]).len(), samples(&disks[1]).len()), (16_000, 16_000));
        let mono = [Memory::default()];
        record(Sides::Mono, &mono);
        assert_eq!(samples(&mono[0])[0], 600);
        assert_eq!(samples(&mono[0]).len(), 16_000);
    }

    #[test]
    fn no_recording_is_longer_than_it_may_be() {
        let disk = Memory::default();
        let mut take = Take::new(Sides::Mono, vec![disk]).unwrap();
        take.frames = LONGEST - 2;
        assert!(take.frame(&frame(0, 1, 1)).unwrap());
        assert!(!take.frame(&frame(1, 1, 1)).unwrap());
    }
}
