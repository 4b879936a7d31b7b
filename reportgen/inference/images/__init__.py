"""One image: from bytes to pixels, and from pixels to what the model sees."""
