"""Webhooks: state changes and their delivery."""
