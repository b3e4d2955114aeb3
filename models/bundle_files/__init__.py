"""What of a bundle's files is believed: plain files, strict JSON, and numbers a score can be made of."""
