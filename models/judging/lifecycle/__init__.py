"""Conversion, time in stage, service levels and sales' feedback."""
