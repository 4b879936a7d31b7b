"""Data whose images are not separate files: in tables, archives, shards and arrays."""
