"""The picture of a graph: its screen, the widget that pans it, its overview."""
