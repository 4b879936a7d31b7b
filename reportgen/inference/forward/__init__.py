"""Forward passes: batches of images in, raw scores out."""
