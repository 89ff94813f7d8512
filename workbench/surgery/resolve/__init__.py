"""Find the tensors and callables that endpoints mean, and judge whether a wire fits."""
