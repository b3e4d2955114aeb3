"""From which score on a lead is handed off: what every whole score would have done, and the scores with a name."""
