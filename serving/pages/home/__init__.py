"""Home: what each role needs today, on one screen."""
