"""Rows of lists: what is in a model, what can be wired, where models are."""
