"""Tensors inside calls and loops, given a place in the main graph."""
