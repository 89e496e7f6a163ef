"""What was measured, and how it is told: scores, drops, and the report of what int8 costs."""

from edgefer.report.comparison import Comparison, Latency
from edgefer.report.drop import Balance, Drop
from edgefer.report.score import Score

__all__ = ["Balance", "Comparison", "Drop", "Latency", "Score"]
