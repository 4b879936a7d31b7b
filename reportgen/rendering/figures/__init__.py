"""Figures as image bytes: seaborn heatmaps as small palette PNGs, reproducible to the byte.

The user's matplotlib configuration is ignored, no window is opened, no figure is kept. This package
owns matplotlib and seaborn, and imports them when the first picture is drawn.
"""

from reportgen.rendering.figures.heatmap import DrawnFigure, draw_heatmap
from reportgen.rendering.figures.logo import Logo, icon, read_logo
from reportgen.rendering.figures.slides import slide_files
from reportgen.rendering.figures.style import heat_steps

__all__ = [
    "DrawnFigure",
    "Logo",
    "draw_heatmap",
    "heat_steps",
    "icon",
    "read_logo",
    "slide_files",
]
