"""From a model and data to predictions: everything that needs torch, one room a subject."""
