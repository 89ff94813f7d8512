"""Resolution: the tensors and callables of endpoints, and whether a wire fits."""
