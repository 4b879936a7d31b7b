"""Tables of paths and labels: the samples to predict."""
