"""From texts to typed values."""
