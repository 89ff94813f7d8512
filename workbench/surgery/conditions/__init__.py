"""What must hold of sources before they are joined, and of a result before it is written."""
