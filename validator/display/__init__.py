"""Display: findings for human readers, as lines of a terminal with excerpts of the source."""
