"""A model's graph and questions about it: reach, cycles, cuts, functions, nested calls, unsafe ops."""
