"""Peer models on the same rows as ours."""
