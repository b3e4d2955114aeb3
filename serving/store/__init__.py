"""What the server remembers: score history, feedback, answers, activities, audit trail, keys, outbox."""
