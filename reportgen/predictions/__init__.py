"""`Predictions`: one row a sample. The record of a run, and what every report is made from.

This room owns pyarrow: ``schema`` says what the columns are, ``parts`` writes them while inference
runs, ``table`` reads them back, ``slim`` keeps what a later comparison needs. pyarrow is loaded
when a file is touched, not before.
"""

from reportgen.predictions.facts import RunFacts
from reportgen.predictions.rows import PredictionRows
from reportgen.predictions.slim import write_slim
from reportgen.predictions.table import Predictions

__all__ = ["PredictionRows", "Predictions", "RunFacts", "write_slim"]
