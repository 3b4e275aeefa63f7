//! The log in PostgreSQL.
