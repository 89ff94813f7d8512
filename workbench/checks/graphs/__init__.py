"""Checks of a MetaGraph: nodes, attributes, functions, objects, the saver."""
