"""Alerts of the monitor and of retrains, by webhook and mail."""
