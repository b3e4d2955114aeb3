"""The model page: whether the score is good, whether it still holds, which versions there are."""
