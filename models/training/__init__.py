"""Fitting the recipe: tuning, the bundle, the verdict."""
