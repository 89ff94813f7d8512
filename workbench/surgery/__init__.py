"""Surgery: a plan is checked and applied to a draft in memory, not yet on disk."""
