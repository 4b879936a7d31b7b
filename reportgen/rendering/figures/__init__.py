"""Figure specs → image bytes: seaborn heatmaps as small palette PNGs, always the same bytes.

Nothing here reads the user's matplotlib configuration, opens a window or keeps a figure. This
room owns matplotlib and seaborn, and imports them when the first picture is drawn.
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
