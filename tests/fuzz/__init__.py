"""Fuzzing the readers: what a hostile file can do to `workbench inspect` and to the reading of checkpoints.

`python -m tests.fuzz TARGET --inputs N` runs a campaign; `test_smoke.py` a few hundred inputs of each target.
"""
