"""The card of one lead: what to do now and why, what is on record, who is at the table, what happened."""
