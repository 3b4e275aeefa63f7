//! The migrations are compiled in, so a change of them is a change of this crate.

fn main() {
    println!("cargo:rerun-if-changed=../../migrations/postgres-log");
    println!("cargo:rerun-if-changed=../../migrations/postgres-views");
}
