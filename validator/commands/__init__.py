"""The commands, a module each: `configure` a parser, `run` what it read."""
