"""Sample inputs: parsed from what a user writes, or made from what the graph expects."""
