"""Parts of screens, one a region."""
