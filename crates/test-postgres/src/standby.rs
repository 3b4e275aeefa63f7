//! A second server that follows the first, and takes over.

use crate::{Server, programs::run, until};

impl Server {
    /// A standby of this server, streaming from it under [`Server::name`]; made the same way after
    /// a failover, from the server that took over.
    ///
    /// # Panics
    /// When the copy fails or does not stream.
    #[must_use]
    pub fn standby(&self) -> Self {
        self.standby_on(None)
    }

    /// The same at the address of a server that is gone, as a machine that comes back: whoever knew
    /// the two before knows the two now.
    ///
    /// # Panics
    /// When the copy fails or does not stream, or somebody else has taken the port meanwhile.
    #[must_use]
    pub fn standby_in_place_of(&self, former: Self) -> Self {
        let port = former.port;
        drop(former);
        self.standby_on(Some(port))
    }

    fn standby_on(&self, port: Option<u16>) -> Self {
        let mut standby = Self::empty();
        let mut copy = standby.programs.server("pg_basebackup");
        copy.arg("--dbname").arg(format!(
            "host=127.0.0.1 port={} user=postgres application_name={}",
            self.port, standby.name
        ));
        copy.args(["--write-recovery-conf", "--wal-method=stream", "--checkpoint=fast"]);
        copy.args(["--no-sync", "--pgdata"]).arg(standby.data());
        run(copy);
        // The copy has the primary's settings, also whom the primary waits for. The standby must
        // not wait for itself once it takes over.
        standby.configure("postgresql.auto.conf", &["synchronous_standby_names = ''".to_owned()]);
        standby.start_on(port);
        self.wait_for(&standby, "state = 'streaming'");
        standby
    }

    /// Makes every commit wait until this standby has it on disk, and returns when that holds.
    ///
    /// # Panics
    /// When the standby does not become synchronous.
    pub fn require_synchronous(&self, standby: &Self) {
        let names = format!("FIRST 1 ({})", standby.name);
        self.psql(&format!("ALTER SYSTEM SET synchronous_standby_names = '{names}'"));
        self.psql("ALTER SYSTEM SET synchronous_commit = 'on'");
        self.reload();
        self.wait_for(standby, "sync_state = 'sync'");
    }

    /// Makes this standby the primary, and returns when it can be written.
    ///
    /// # Panics
    /// When it is not a standby or does not take over.
    pub fn promote(&self) {
        self.psql("SELECT pg_promote(wait => true, wait_seconds => 60)");
        let writable = until(|| (self.psql("SELECT pg_is_in_recovery()") == "f").then_some(()));
        assert!(writable.is_some(), "the standby did not take over: {}", self.log());
    }

    fn wait_for(&self, standby: &Self, condition: &str) {
        let sql = format!(
            "SELECT count(*) FROM pg_stat_replication WHERE application_name = '{}' AND {condition}",
            standby.name
        );
        let holds = until(|| (self.psql(&sql) == "1").then_some(()));
        assert!(holds.is_some(), "{} never had {condition}: {}", standby.name, standby.log());
    }
}
