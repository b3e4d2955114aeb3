"""The manual score beside the model's, and in its place."""
