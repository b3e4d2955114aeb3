"""What outcomes say of rubrics, rules and customer profiles."""
