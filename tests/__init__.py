import sys

# Here and not in conftest.py, so that this is compiled once, too: the code of a test is rewritten for its assertions,
# which without a cache takes every process longer than anything else before the first test.
sys.dont_write_bytecode = False
