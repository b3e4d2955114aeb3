"""Rights of the people in the data, as far as the server's store holds them."""
