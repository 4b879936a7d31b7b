"""A folder of class folders: which images it holds; nothing is decoded, torch is not needed."""
