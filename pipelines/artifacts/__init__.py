"""What stages leave for others to read: one typed value per JSON file, with its version, its reader and its writer."""
