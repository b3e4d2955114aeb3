"""What people said to the server, as rows of the source: read from its store, checked and joined by ingest."""
