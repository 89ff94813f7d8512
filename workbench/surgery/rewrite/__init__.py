"""Graph rewrites without policy: prefix, inline, outline, prune, freeze."""
