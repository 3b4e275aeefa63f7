//! What must hold for every page, and what visitors can and cannot do.

mod house;
mod rendering;
mod visits;
