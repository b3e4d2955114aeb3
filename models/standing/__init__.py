"""Where a lead stands: what people did with it, what score and evidence say, which list it is on, what comes next."""
