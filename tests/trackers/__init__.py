"""What experiment trackers keep of a report."""
