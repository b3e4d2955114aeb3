"""Pipeline stages: thin shells that read, call and write."""
