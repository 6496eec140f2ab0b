"""What is measured: action fields, indicators, definitions and known breaks. Data, not code."""
