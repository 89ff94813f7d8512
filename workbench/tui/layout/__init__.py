"""Sizes of panes, and which are seen."""
