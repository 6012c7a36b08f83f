//! What a covenant member checks and signs.
