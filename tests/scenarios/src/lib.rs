//! Stories that must hold.
