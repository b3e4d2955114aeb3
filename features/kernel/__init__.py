"""The sweep that computes every feature over rows sorted by lead and known_at."""
