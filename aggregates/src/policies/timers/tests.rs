//! Given a fact, these timers.
