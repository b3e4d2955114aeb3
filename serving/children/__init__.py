"""Processes that read and score what somebody sent: what they may take, what they are given, how they ended."""
