//! Contract converter.
