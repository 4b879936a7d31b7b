"""The roles of a table's columns, and their values."""
