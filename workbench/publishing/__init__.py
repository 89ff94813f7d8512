"""Commit: write a draft or an edit to disk, verify it, publish it. All or nothing."""
