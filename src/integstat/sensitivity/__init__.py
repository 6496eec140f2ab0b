"""Which findings survive other definitions and other models, and what flips the rest."""
