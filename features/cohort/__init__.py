"""Who is scored when, what counts as won, and how time is split."""
