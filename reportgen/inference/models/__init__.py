"""Models: what a file or a name says, read without trust, ready to run."""
