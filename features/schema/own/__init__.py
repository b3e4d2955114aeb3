"""Code of a user's own that a declaration names."""
