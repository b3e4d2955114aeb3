"""What headers, statuses and names of tables say, in the words of many languages and of single vendors."""
