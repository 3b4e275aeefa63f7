//! Given a fact, these commands.
