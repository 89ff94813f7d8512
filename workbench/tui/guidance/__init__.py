"""What helps a user on: explanations, findings, the help, the story."""
