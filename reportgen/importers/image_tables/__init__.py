"""Tables with images in them, as Hugging Face keeps data sets: Parquet and Arrow."""
