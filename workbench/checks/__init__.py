"""The checker that SavedModels never had: what is wrong with a model, found without TensorFlow.

One file an area; each lays down its codes (`codes.Code`) beside the code that finds them. `check` brings them together;
`sound` is the small part of them that a join asks before anything is written.
"""
