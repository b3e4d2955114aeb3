"""Scoring candidates that share one interface."""
