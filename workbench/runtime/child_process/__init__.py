"""The TensorFlow child process: how it is started, how we talk to it, and the private folder it loads."""
