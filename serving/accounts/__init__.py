"""Accounts of the source and anybody in it, as one caller may see them."""
