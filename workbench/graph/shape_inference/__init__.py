"""Shapes inferred through the graph, and how the rows of a batch flow through it."""
