"""What happens to the inputs on the way to the outputs, in a few phrases."""
