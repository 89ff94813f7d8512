"""Values on the way: tensors of a model for one input, at any depth."""
