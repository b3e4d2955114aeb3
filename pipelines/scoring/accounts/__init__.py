"""Accounts as commands and pages look them up: one as a whole, all rolled up, anybody found."""
