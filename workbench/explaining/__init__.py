"""A model, a node, a function or a word, explained in sentences."""
