"""Tables of paths and labels, from which a model's samples are taken."""
