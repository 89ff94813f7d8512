"""A batch freed or fixed: what is asked for, and the graph, functions and callables that follow."""
