"""Labels, values and conditions in the reader's language."""
