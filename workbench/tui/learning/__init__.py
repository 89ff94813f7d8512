"""Lessons in the terminal UI: the list of them, and one with its pages."""
