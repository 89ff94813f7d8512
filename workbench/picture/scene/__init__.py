"""What to draw: a graph folded into boxes and edges."""
