"""The model card of a bundle: what it is, what it was judged on, for whom it holds and where it does not."""
