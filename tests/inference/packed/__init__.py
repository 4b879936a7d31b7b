"""Data in tables, archives, shards and arrays give the samples that class folders would give."""
