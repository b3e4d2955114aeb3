"""People who asked to be forgotten or not to be profiled, known by keyed hashes alone."""
