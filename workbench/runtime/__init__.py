"""All that needs TensorFlow: a child process that runs, verifies and probes it. This process never does."""
