//! A copy of a log's file that is checked before anybody can take it for one.

use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::Arc,
};

use engine::export::{ExportScope, Manifest, export};

use crate::{
    address::LogAddress,
    engines::Opened,
    outcome::{Failure, Outcome},
    show,
};

/// Writes a copy of an open log to `to`, reads all of it, and only then gives it its name: whatever
/// is there under that name is whole.
///
/// Fails if something is there already.
pub(crate) async fn copy_checked(log: &Opened, to: &Path) -> Outcome<Manifest> {
    refuse_existing(to)?;
    let part = beside(to, ".part");
    // What an interrupted copy left behind.
    if let Err(error) = fs::remove_file(&part)
        && error.kind() != io::ErrorKind::NotFound
    {
        return Err(Failure::unavailable(format!("{}: {error}", part.display())));
    }
    let spinner = show::spinner("copying");
    let copied = log.copy_into(&part).await;
    spinner.finish_and_clear();
    copied?;
    let checked = check(&part).await;
    let published = checked.and_then(|manifest| publish(&part, to).map(|()| manifest));
    if published.is_err() {
        // Nobody should find a copy that is not sound.
        fs::remove_file(&part).ok();
    }
    published
}

/// Reads all of a log's file: its structure, and its root as an export would have it.
pub(crate) async fn check(path: &Path) -> Outcome<Manifest> {
    let opened = Opened::to_read(&LogAddress::Sqlite(path.to_owned()), false).await?;
    let log = opened.log();
    let checked = async {
        let problems = opened.integrity().await.map_err(Failure::unavailable)?;
        if !problems.is_empty() {
            let problems = problems.join("; ");
            return Err(Failure::check(format!("{} is not sound: {problems}", path.display())));
        }
        let bar = show::bar("checking");
        let manifest = export(&*log, ExportScope::default(), &mut io::sink(), &mut |done, all| {
            bar.set_length(all);
            bar.set_position(done);
        })
        .await
        .map_err(Failure::check);
        bar.finish_and_clear();
        manifest
    };
    let manifest = checked.await;
    Arc::clone(&log).close().await;
    manifest
}

/// A name beside a file's.
pub(crate) fn beside(file: &Path, ending: &str) -> PathBuf {
    let mut name = file.as_os_str().to_owned();
    name.push(ending);
    PathBuf::from(name)
}

fn refuse_existing(to: &Path) -> Outcome {
    // A write-ahead log that was left behind would be taken for the copy's own.
    for there in [to.to_owned(), beside(to, "-wal"), beside(to, "-journal")] {
        match there.symlink_metadata() {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => {
                return Err(Failure::unavailable(format!("{}: {error}", there.display())));
            }
            Ok(_) => {
                return Err(Failure::usage(format!(
                    "{} is there already, and nothing is overwritten; name another file, or move it \
                     away",
                    there.display()
                )));
            }
        }
    }
    Ok(())
}

/// Gives the copy its name without overwriting, and returns when the name is on the disk.
fn publish(part: &Path, to: &Path) -> Outcome {
    let folder = match to.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    let published = match fs::hard_link(part, to) {
        Ok(()) => fs::remove_file(part),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Err(error),
        // A file system without hard links; the name was free a moment ago.
        Err(_) => fs::rename(part, to),
    };
    published
        .and_then(|()| fs::File::open(folder)?.sync_all())
        .map_err(|error| Failure::unavailable(format!("{}: {error}", to.display())))
}
