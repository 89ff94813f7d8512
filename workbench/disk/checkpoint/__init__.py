"""TensorFlow checkpoints (tensor bundles): read, write, join."""
