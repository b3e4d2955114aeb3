"""Starter declarations inferred from an export, and the reference of the declaration language."""
