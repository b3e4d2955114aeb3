"""From the bytes of a file or a package to rows as they stand there."""
