"""The report page, its sections, and summary.json."""
