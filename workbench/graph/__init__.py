"""A model's graph and questions about it: reach, cycles, cuts, functions, nested calls, dangerous ops."""
