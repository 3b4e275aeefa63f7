//! Exports of small and of random histories: their text, what other programs make of them, and what an
//! interruption changes (nothing).

mod files;
mod golden;
mod history;
mod judged;
mod parquet_is_read;

use std::sync::Arc;

use store::{Log, MemoryLog};

use crate::{Format, Scope, TextExport};

/// The whole text of an export.
async fn text_of(log: &MemoryLog, scope: Scope, format: Format) -> String {
    let log: Arc<dyn Log> = Arc::new(log.reopen());
    let mut export = TextExport::start(log, scope, format).await.unwrap();
    let mut text = String::new();
    while export.next_page(&mut text).await.unwrap() {}
    text
}
