"""Reasons as plain sentences, on top of the reasons themselves."""
