"""Figure specs → image bytes: seaborn heatmaps as small palette PNGs, always the same bytes.

Nothing here reads the user's matplotlib configuration, opens a window or keeps a figure. This
room owns matplotlib and seaborn, and imports them when the first picture is drawn.
"""

from reportgen.figures.heatmap import Drawn, draw_heatmap

__all__ = ["Drawn", "draw_heatmap"]
