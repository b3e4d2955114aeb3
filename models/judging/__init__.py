"""Metrics, backtests, calibration, audits and thresholds."""
