"""integstat."""
