//! Contract price-feed.
