//! Pure planner of what to relay next.
