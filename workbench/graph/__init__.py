"""A model's graph and questions about it: bodies, traces, reach, effects, shapes."""
