"""The worklist's page: its addresses, its rows in words, what is saved of it and what leaves it as a file."""
