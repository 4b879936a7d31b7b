"""Sources of batches: a folder of images, or a loader in the user's program."""
