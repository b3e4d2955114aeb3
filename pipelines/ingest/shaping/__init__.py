"""Rows of a file as canonical tables: columns found, values read as declared, repeats found, gaps filled."""
