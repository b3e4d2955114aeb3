"""What a declaration says of the people in its data: objection, consent, how long rows are kept."""
