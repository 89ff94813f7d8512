"""The TensorFlow child process: the script it runs, how we talk to it, and the private folder it loads."""
