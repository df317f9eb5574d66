"""Reading: JSON, YAML, TOML and Python values as plain JSON, and the positions of their parts."""
