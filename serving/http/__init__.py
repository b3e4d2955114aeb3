"""What happens to a request before anybody knows who sent it: limits of rate, size and time."""
