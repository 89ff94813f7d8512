"""Pictures with explanations and values, and what a notebook shows of models and results."""
