"""Texts of panes and screens: details of rows, summaries, progress."""
