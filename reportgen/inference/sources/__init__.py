"""Where batches come from: a folder of images, or a loader in the user's program."""
