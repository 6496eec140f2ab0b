"""From context to scaled, filled and weighted features; which features are refused."""
