"""Models of other libraries: one module per adapter, imported only for a model of its format."""
