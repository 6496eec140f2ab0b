"""From context to a distribution over partitions of the cities into peer groups."""
