"""From tables and a cohort to one feature matrix, in training and for a single request."""
