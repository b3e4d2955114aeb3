"""Rubric files: read, converted, tried on past leads."""
