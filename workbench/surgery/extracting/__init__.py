"""A part of a model becomes a model of its own: cut, pruned, with a saver and objects of its own."""
