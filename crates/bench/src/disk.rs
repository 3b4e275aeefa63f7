//! How fast the disk makes things last: the bound on everything durable here.

use std::{
    io::Write,
    path::Path,
    time::{Duration, Instant},
};

use crate::{
    fault::{Doing, Outcome},
    report::Rate,
};

/// As much as one small transaction writes.
const BLOCK: [u8; 4096] = [0x5a; 4096];

/// Synchronised appends of 4 KiB, one after the other.
pub(crate) fn synchronisations(folder: &Path, time: Duration) -> Outcome<Rate> {
    let mut file = tempfile::tempfile_in(folder).doing("make a file")?;
    let (started, mut count) = (Instant::now(), 0);
    while started.elapsed() < time {
        file.write_all(&BLOCK).and_then(|()| file.sync_data()).doing("write to the disk")?;
        count += 1;
    }
    Ok(Rate::new(count, started.elapsed()))
}
