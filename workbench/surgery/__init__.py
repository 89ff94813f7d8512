"""Surgery: a plan (pure data) is checked, applied to a draft in memory, and only then written elsewhere."""
