"""Why rows were lost: the cause behind a broken rule, in words, and what to do about it."""
