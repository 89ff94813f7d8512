"""Tests of pictures with explanations, and of what a notebook shows."""
