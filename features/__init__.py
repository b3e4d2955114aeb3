"""What is known about a lead as of a moment."""
