//! Pure planner of what a finality provider commits and votes.
