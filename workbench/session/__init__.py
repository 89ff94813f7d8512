"""A session without a user interface: models opened, wired, undone, committed.

Everything here is plain Python that a script can call; the terminal UI draws it.
"""
