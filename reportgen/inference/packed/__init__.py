"""Data whose images are no files of their own: in tables, archives, shards and arrays."""
