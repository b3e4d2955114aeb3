"""Facts in words a stranger would say: labels and values in the reader's language, reasons as plain sentences."""
