"""Models: identified without running their code, and loaded ready to run."""
