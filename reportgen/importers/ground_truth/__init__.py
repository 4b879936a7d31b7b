"""True classes that stand in no single column: one-hot, or in a table of their own."""
