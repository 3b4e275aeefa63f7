//! Room in the write-ahead log, made before it is needed.
//!
//! A commit that lengthens the file must also make the new length last, for which the file system
//! writes its own journal: two waits for the disk instead of one, measured as half the commits per
//! second. So whenever the file has grown, zeros are put behind its end, and the commits that follow
//! fill them. SQLite stops reading at the first frame whose salt and checksum are not right (its file
//! format, section 4.4), and zeros never are: they mean nothing to it, before or after a power cut.

use std::{
    fs::{self, OpenOptions},
    io::{self, Read},
    path::{Path, PathBuf},
};

/// The first piece; each next one is twice as long, so that a small log stays small.
const STEP_FIRST: u64 = 256 * 1024;
const STEP_MAX: u64 = 4 * 1024 * 1024;

/// No more than the write-ahead log has just before a checkpoint (10,000 pages), with some to spare,
/// and less than the length to which SQLite cuts it back.
const RESERVED_MAX: u64 = 48 * 1024 * 1024;

/// Keeps room ahead of the writer.
#[derive(Debug)]
pub(super) struct Reserve {
    wal: PathBuf,
    /// How long the file was when last seen, with what was reserved.
    length: u64,
    step: u64,
}

impl Reserve {
    /// For the log at this path.
    pub(super) fn of(log: &Path) -> Self {
        let mut wal = log.as_os_str().to_owned();
        wal.push("-wal");
        Self { wal: wal.into(), length: 0, step: STEP_FIRST }
    }

    /// Called between transactions by the only one that writes. Without room the log is slower and
    /// otherwise the same, so a disk that has none to give is not an error.
    pub(super) fn keep(&mut self) {
        if self.step == 0 {
            return;
        }
        if let Err(error) = self.extend_if_grown() {
            tracing::debug!(%error, "no more room is reserved for the write-ahead log");
            self.step = 0;
        }
    }

    fn extend_if_grown(&mut self) -> io::Result<()> {
        let length = fs::metadata(&self.wal)?.len();
        if length < self.length {
            // It was cut back, and grows again from there.
            (self.length, self.step) = (0, STEP_FIRST);
        }
        if length <= self.length {
            return Ok(());
        }
        self.length = length;
        let step = self.step.min(RESERVED_MAX.saturating_sub(length));
        if step == 0 {
            return Ok(());
        }
        // Appending never writes over what another program may have put there meanwhile.
        let mut file = OpenOptions::new().append(true).open(&self.wal)?;
        io::copy(&mut io::repeat(0).take(step), &mut file)?;
        self.length = length + step;
        self.step = (self.step * 2).min(STEP_MAX);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::{fs, path::PathBuf};

    use tempfile::TempDir;

    use super::{RESERVED_MAX, Reserve, STEP_FIRST, STEP_MAX};

    fn file() -> (TempDir, PathBuf, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let (log, wal) = (folder.path().join("log.db"), folder.path().join("log.db-wal"));
        (folder, log, wal)
    }

    fn length(wal: &PathBuf) -> u64 {
        fs::metadata(wal).unwrap().len()
    }

    fn set_length(wal: &PathBuf, length: u64) {
        fs::File::options().create(true).append(true).open(wal).unwrap().set_len(length).unwrap();
    }

    #[test]
    fn room_is_made_when_the_file_has_grown_and_only_then() {
        let (_folder, log, wal) = file();
        fs::write(&wal, [7; 100]).unwrap();
        let mut reserve = Reserve::of(&log);
        reserve.keep();
        assert_eq!(length(&wal), 100 + STEP_FIRST);
        reserve.keep();
        assert_eq!(length(&wal), 100 + STEP_FIRST);
        set_length(&wal, 200 + STEP_FIRST);
        reserve.keep();
        assert_eq!(length(&wal), 200 + 3 * STEP_FIRST);
        let bytes = fs::read(&wal).unwrap();
        assert!(bytes[..100].iter().all(|byte| *byte == 7));
        assert!(bytes[100..].iter().all(|byte| *byte == 0));
    }

    #[test]
    fn room_is_bounded_and_begins_small_after_the_file_was_cut_back() {
        let (_folder, log, wal) = file();
        set_length(&wal, 1);
        let mut reserve = Reserve::of(&log);
        while length(&wal) < RESERVED_MAX {
            let before = length(&wal);
            set_length(&wal, before + 1);
            reserve.keep();
            assert!(length(&wal) <= before + 1 + STEP_MAX);
        }
        assert_eq!(length(&wal), RESERVED_MAX);
        set_length(&wal, RESERVED_MAX + 1);
        reserve.keep();
        assert_eq!(length(&wal), RESERVED_MAX + 1);
        set_length(&wal, 10);
        reserve.keep();
        assert_eq!(length(&wal), 10 + STEP_FIRST);
    }

    #[test]
    fn a_file_that_cannot_be_lengthened_is_left_alone() {
        let (_folder, log, wal) = file();
        let mut reserve = Reserve::of(&log);
        reserve.keep();
        set_length(&wal, 1);
        reserve.keep();
        assert_eq!(length(&wal), 1);
    }
}
