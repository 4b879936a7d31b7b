"""True classes that are in no single column: one-hot, or in a table of their own."""
