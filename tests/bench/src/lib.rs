//! Operations of the libraries that are measured, for the program `mesh-bench` and for the trends in `benches/`.

pub mod native;
