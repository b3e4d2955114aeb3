"""Everything about one lead: card, feedback, posted rows, uploads."""
