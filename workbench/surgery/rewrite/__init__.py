"""Graph rewrites without policy: prefix, inline, outline, convert variables to constants."""
