//! The read models in PostgreSQL.
