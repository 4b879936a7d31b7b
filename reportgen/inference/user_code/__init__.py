"""Code of the user's own: importing what it names, and telling what went wrong in it."""
