"""The run screen: a form of inputs, the values of a run, one value."""
