"""Affine calibration in log-odds, and the interval around a probability."""
