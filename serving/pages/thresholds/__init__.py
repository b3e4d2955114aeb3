"""The thresholds page: from which score on sales gets a lead."""
