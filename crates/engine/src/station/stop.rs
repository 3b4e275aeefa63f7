//! Telling workers to stop, once.

use tokio::sync::watch;

/// The one who says stop.
#[derive(Debug)]
pub(crate) struct Stopper(watch::Sender<bool>);

impl Stopper {
    pub(crate) fn new() -> Self {
        Self(watch::Sender::new(false))
    }

    pub(crate) fn listener(&self) -> Stop {
        Stop(self.0.subscribe())
    }

    pub(crate) fn stop(&self) {
        self.0.send_replace(true);
    }
}

/// The ones who listen.
#[derive(Debug, Clone)]
pub(crate) struct Stop(watch::Receiver<bool>);

impl Stop {
    pub(crate) fn is_set(&self) -> bool {
        *self.0.borrow()
    }

    /// Returns when it is time to stop, also when nobody is left to say so.
    pub(crate) async fn wait(&mut self) {
        let _gone = self.0.wait_for(|stop| *stop).await;
    }
}
