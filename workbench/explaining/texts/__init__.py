"""Texts about ops and words, which no model changes."""
