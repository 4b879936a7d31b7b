"""Files and arrays as tables of cells, read without trust; what the columns mean comes later."""
