"""A folder of class folders: the images in it. Nothing is decoded; torch is not needed."""
