"""What a load reads and makes: the bundle that serves, the list it ranks, and why nothing newer could be loaded."""
