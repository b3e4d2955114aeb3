"""What a person said about a file where the guesses were wrong or could not be made."""
