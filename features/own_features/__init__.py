"""Features of a user's own: functions that are handed the rows known at a moment, and nothing else."""
