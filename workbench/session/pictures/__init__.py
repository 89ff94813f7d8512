"""What a picture on the screen is of, and its boxes."""
