"""Commands for the day when deals have closed."""
