"""Tables with images in their cells, as in Hugging Face data sets: Parquet and Arrow."""
