"""Rights of the people in the data: forgotten, not profiled, told what is held of them."""
