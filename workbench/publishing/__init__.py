"""Publishing: write a draft to disk, verify it, publish it. All or nothing."""
