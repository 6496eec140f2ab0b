"""Files → panel: readers, checks, and everything that is wrong with a delivery, told in sentences."""
