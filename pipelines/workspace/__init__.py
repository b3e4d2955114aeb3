"""A data directory: paths, locks, atomic writes, and the context every stage is given."""
