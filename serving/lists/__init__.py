"""Lists of leads: exports, queues, one answer short."""
