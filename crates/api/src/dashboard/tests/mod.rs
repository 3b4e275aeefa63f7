//! What must hold for every page, and what visitors can and cannot do.

pub(crate) mod house;
mod rendering;
mod visits;
