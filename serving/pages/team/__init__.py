"""The team page: promises kept, queues, who waits, what sales sends back."""
