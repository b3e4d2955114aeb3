"""Feature families: each turns a source declaration into a list of features."""
