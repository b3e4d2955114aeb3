"""What a declaration expects of its tables, in the words of Great Expectations."""
