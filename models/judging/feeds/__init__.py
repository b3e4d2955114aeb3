"""Whether the tables come in as they used to: how fresh, how many, with which values, at which hours."""
