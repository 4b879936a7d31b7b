"""Engines: one predictor for all of them, and what is made of its rows."""
