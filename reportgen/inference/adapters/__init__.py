"""Models of other libraries: one file an adapter, loaded only for a model that is of its form."""
