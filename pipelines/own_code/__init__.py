"""Code of a user's own: imported only where the declaration names it, and only when it is needed."""
