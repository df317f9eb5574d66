"""How findings look for people: lines of a terminal, excerpts of a source."""
