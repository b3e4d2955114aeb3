"""Results of runs as the server tells them: thresholds, drift, promotion."""
