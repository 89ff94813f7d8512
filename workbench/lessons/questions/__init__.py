"""Questions: what selectors find in a model, what the answer is, whether a typed one is right."""
