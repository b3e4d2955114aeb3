"""What moved since training: distributions, the base rate, promises come due."""
