"""What people write down about a lead: calls, mails and meetings that took place, notes, and how each is taken back."""
