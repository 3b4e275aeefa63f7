//! A build without KurrentDB: it says how to get one that has it.

use std::{future::ready, sync::Arc};

use super::{Access, Served};
use crate::{
    address::Url,
    outcome::{Failure, Outcome},
};

/// There is nothing to prepare.
pub(crate) async fn prepare() -> Outcome {
    ready(Ok(())).await
}

/// Refuses.
pub(super) async fn open(url: &Url, _access: Access) -> Outcome<Arc<dyn Served>> {
    ready(Err(Failure::usage(format!(
        "{url}: this build of daybook has no KurrentDB; `cargo build --package daybook --features \
         kurrent` makes one that has"
    ))))
    .await
}
