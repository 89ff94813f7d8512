"""Running a model from a face: the form of its inputs, the run, and its values, which stay while one browses."""
