"""Pruning: what an edited model no longer needs, in the graph, the saver, the objects and the checkpoint."""
