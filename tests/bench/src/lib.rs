//! Operations of the libraries that are measured, for the program `mesh-bench` and for `tests/trends`.

pub mod native;
