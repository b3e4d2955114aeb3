"""From a feature matrix to a calibrated score and its reasons."""
