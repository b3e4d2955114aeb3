"""Dated exports kept as history: taken, compared with the one before, stored as changes, read as tables."""
