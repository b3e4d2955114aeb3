"""Point-in-time correctness: what was known strictly before as_of."""
