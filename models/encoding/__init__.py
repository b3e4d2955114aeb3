"""From feature values to what linear models and scorecards read."""
