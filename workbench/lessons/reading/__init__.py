"""Lessons as files: TOML with places for messages, Markdown to blocks, and what a command of a lesson may be."""
