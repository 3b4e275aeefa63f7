//! "Whenever X, then Y": the only module that may name two aggregates.
