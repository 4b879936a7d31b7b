"""Files and arrays as tables of cells, read without trust; column roles are decided later."""
