//! Every test that needs more than one crate.

#[cfg(test)]
mod tidy;
