//! Every test that needs more than one crate.

#[cfg(test)]
mod docs;
#[cfg(test)]
mod scenarios;
#[cfg(test)]
mod tidy;
