//! A WAV file that is valid after a power cut at any moment.
//!
//! What the header says is there was on the disk before the header said so: sound is written and synced, and only then
//! do the two sizes grow. A cut loses what came since, never the file.

use crate::units::SAMPLE_RATE_HZ;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;

/// Bytes before the sound.
pub(super) const HEADER: u64 = 44;
const RIFF_SIZE_AT: u64 = 4;
const DATA_SIZE_AT: u64 = 40;

/// What a recording is written to.
pub(super) trait Disk {
    /// Writes all of it there.
    fn write_at(&mut self, at: u64, bytes: &[u8]) -> io::Result<()>;
    /// Returns when all that was written is safe.
    fn sync(&mut self) -> io::Result<()>;
}

impl Disk for File {
    fn write_at(&mut self, at: u64, bytes: &[u8]) -> io::Result<()> {
        self.write_all_at(bytes, at)
    }

    fn sync(&mut self) -> io::Result<()> {
        self.sync_data()
    }
}

/// 16-bit sound at 8 kHz, appended to.
pub(super) struct Wav<D> {
    disk: D,
    channels: u16,
    /// Bytes of sound written.
    written: u64,
    /// Bytes of sound that the header tells of.
    told: u64,
}

impl<D: Disk> Wav<D> {
    /// An empty one of so many channels.
    pub(super) fn new(mut disk: D, channels: u16) -> io::Result<Self> {
        disk.write_at(0, &header(channels, 0))?;
        disk.sync()?;
        Ok(Self { disk, channels, written: 0, told: 0 })
    }

    /// Appends sound: whole samples of all channels.
    pub(super) fn append(&mut self, sound: &[u8]) -> io::Result<()> {
        self.disk.write_at(HEADER + self.written, sound)?;
        self.written += sound.len() as u64;
        Ok(())
    }

    /// Makes all sound safe and then known.
    pub(super) fn settle(&mut self) -> io::Result<()> {
        if self.told == self.written {
            return Ok(());
        }
        self.disk.sync()?;
        // Both sizes in one write, the outer one first: it never ends before the sound that the inner one tells of, and two
        // writes could reach the disk in either order.
        let header = header(self.channels, self.written);
        self.disk.write_at(RIFF_SIZE_AT, header.get(RIFF_SIZE_AT as usize..).unwrap_or(&[]))?;
        self.told = self.written;
        Ok(())
    }

    /// Bytes of the file.
    pub(super) fn bytes(&self) -> u64 {
        HEADER + self.written
    }
}

/// Sizes are 32 bits long; a recording ends before it gets there.
fn size(bytes: u64) -> [u8; 4] {
    u32::try_from(bytes).unwrap_or(u32::MAX).to_le_bytes()
}

/// The header of `bytes` of sound.
pub(super) fn header(channels: u16, bytes: u64) -> [u8; HEADER as usize] {
    let block = channels * 2;
    let mut header = *b"RIFF....WAVEfmt \x10\0\0\0\x01\0ccrrrrbbbbBB\x10\0data....";
    header[4..8].copy_from_slice(&size(bytes + HEADER - 8));
    header[22..24].copy_from_slice(&channels.to_le_bytes());
    header[24..28].copy_from_slice(&SAMPLE_RATE_HZ.to_le_bytes());
    header[28..32].copy_from_slice(&(SAMPLE_RATE_HZ * u32::from(block)).to_le_bytes());
    header[32..34].copy_from_slice(&block.to_le_bytes());
    header[40..44].copy_from_slice(&size(bytes));
    header
}

/// After a power cut: tells the header of all sound that is there. True if the file is a recording.
pub(super) fn mend(file: &File) -> io::Result<bool> {
    let mut found = [0; HEADER as usize];
    if file.read_exact_at(&mut found, 0).is_err() || !found.starts_with(b"RIFF") {
        return Ok(false);
    }
    let block = u64::from(found[32]).max(2);
    let sound = (file.metadata()?.len() - HEADER) / block * block;
    if found[40..44] != size(sound) {
        file.sync_data()?;
        file.write_all_at(&size(sound + HEADER - 8), RIFF_SIZE_AT)?;
        file.write_all_at(&size(sound), DATA_SIZE_AT)?;
    }
    Ok(true)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;
    use std::cell::RefCell;
    use std::rc::Rc;

    enum Op {
        Write(u64, Vec<u8>),
        Sync,
    }

    /// Remembers all that was done to it.
    #[derive(Clone, Default)]
    struct Log(Rc<RefCell<Vec<Op>>>);

    impl Disk for Log {
        fn write_at(&mut self, at: u64, bytes: &[u8]) -> io::Result<()> {
            self.0.borrow_mut().push(Op::Write(at, bytes.to_vec()));
            Ok(())
        }

        fn sync(&mut self) -> io::Result<()> {
            self.0.borrow_mut().push(Op::Sync);
            Ok(())
        }
    }

    fn apply(file: &mut Vec<u8>, at: u64, bytes: &[u8]) {
        let end = at as usize + bytes.len();
        file.resize(file.len().max(end), 0);
        file[at as usize..end].copy_from_slice(bytes);
    }

    fn sound(n: usize) -> Vec<u8> {
        (0..n).map(|i| (i % 251) as u8 | 1).collect()
    }

    /// That a file as it is found is a recording of the beginning of the sound. Returns the bytes of sound in it.
    fn assert_valid(file: &[u8]) -> usize {
        let number = |at: usize| u32::from_le_bytes(file[at..at + 4].try_into().unwrap()) as usize;
        assert_eq!((&file[..4], &file[8..16], &file[36..40]), (&b"RIFF"[..], &b"WAVEfmt "[..], &b"data"[..]));
        let (riff, data) = (number(4), number(40));
        assert!(
            data % 4 == 0 && 44 + data <= file.len(),
            "the header tells of {data}, there are {}",
            file.len()
        );
        assert!(8 + riff >= 44 + data && 8 + riff <= file.len(), "the outer size {riff} holds {data}");
        assert_eq!(file[44..44 + data], sound(data), "and it is the sound that was written");
        data
    }

    #[test]
    fn a_power_cut_at_every_byte_leaves_a_valid_file() {
        let log = Log::default();
        let mut wav = Wav::new(log.clone(), 2).unwrap();
        let all = sound(4000);
        // Sizes that carry from byte to byte of the header's numbers.
        for piece in all.chunks(212) {
            wav.append(piece).unwrap();
            wav.settle().unwrap();
        }
        let ops = log.0.borrow();
        let created = ops.iter().position(|op| matches!(op, Op::Sync)).unwrap() + 1;
        let mut kept = 0;
        for cut in created..=ops.len() {
            let safe = ops[..cut].iter().rposition(|op| matches!(op, Op::Sync)).unwrap();
            let last = match ops.get(cut) {
                Some(Op::Write(_, bytes)) => bytes.len(),
                _ => 0,
            };
            // A sector is written whole or not at all, and the header lies in one.
            let whole = matches!(ops.get(cut), Some(Op::Write(at, _)) if *at < HEADER);
            for byte in (0..=last).filter(|byte| !whole || [0, last].contains(byte)) {
                // What was not synced may be there in any choice.
                let open = cut - safe - 1;
                for choice in 0..1_u32 << open {
                    let mut file = Vec::new();
                    for (i, op) in ops[..cut].iter().enumerate() {
                        if let Op::Write(at, bytes) = op
                            && (i < safe || choice >> (i - safe - 1) & 1 == 1)
                        {
                            apply(&mut file, *at, bytes);
                        }
                    }
                    if let Some(Op::Write(at, bytes)) = ops.get(cut) {
                        apply(&mut file, *at, &bytes[..byte]);
                    }
                    kept = kept.max(assert_valid(&file));
                }
            }
        }
        assert_eq!(kept, 4000);
    }

    #[test]
    fn a_header_is_what_other_programs_read() {
        let mut file = header(2, 8).to_vec();
        file.extend([1, 0, 2, 0, 3, 0, 4, 0]);
        let reader = hound::WavReader::new(&file[..]).unwrap();
        assert_eq!(
            (reader.spec().channels, reader.spec().sample_rate, reader.spec().bits_per_sample),
            (2, 8000, 16)
        );
        assert_eq!(reader.into_samples::<i16>().map(Result::unwrap).collect::<Vec<_>>(), [1, 2, 3, 4]);
    }

    #[test]
    fn after_a_cut_all_that_is_there_is_told() {
        let path = std::env::temp_dir().join(format!("hold-slayer-mend-{}.wav", std::process::id()));
        let file = File::options().read(true).write(true).create(true).truncate(true).open(&path).unwrap();
        let mut wav = Wav::new(file.try_clone().unwrap(), 1).unwrap();
        wav.append(&sound(321)).unwrap();
        assert!(mend(&file).unwrap());
        assert_eq!(hound::WavReader::open(&path).unwrap().len(), 160, "whole samples");
        file.set_len(20).unwrap();
        assert!(!mend(&file).unwrap(), "cut while it was made");
        std::fs::remove_file(&path).unwrap();
    }
}
