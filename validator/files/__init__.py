"""Files: from the arguments of a command to results."""
