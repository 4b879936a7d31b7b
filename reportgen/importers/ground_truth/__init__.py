"""True classes outside of a single column: one-hot, or in a separate table."""
