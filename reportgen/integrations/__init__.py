"""Reports from the training loops of others: Lightning, and the Trainer of Transformers"""
