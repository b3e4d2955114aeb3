"""Scores handed to other systems' own tables."""
