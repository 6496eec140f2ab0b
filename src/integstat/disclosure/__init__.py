"""What of the deliveries may be known: small counts, and what would give them away, are held back before anything is computed."""
