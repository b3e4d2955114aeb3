"""From a file to the first scores, in the browser: what was sent, what is guessed of it, the run, and how far it is."""
