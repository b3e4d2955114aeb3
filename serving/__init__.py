"""The scoring API and its pages."""
