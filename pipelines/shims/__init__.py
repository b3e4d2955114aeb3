"""Files other programs load by path; nothing here is imported by the package."""
