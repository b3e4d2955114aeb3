"""``leadscore retrain``: from newly closed deals to a decision about the champion, with its evidence."""
