"""Figure specs → image bytes: seaborn heatmaps as small palette PNGs, always the same bytes.

Nothing here reads the user's matplotlib configuration, opens a window or keeps a figure. This
room owns matplotlib and seaborn, and imports them when the first picture is drawn.
"""

from reportgen.figures.colours import heat_steps
from reportgen.figures.heatmap import Drawn, draw_heatmap
from reportgen.figures.icon import icon
from reportgen.figures.logo import Logo, read_logo
from reportgen.figures.slides import slide_files

__all__ = ["Drawn", "Logo", "draw_heatmap", "heat_steps", "icon", "read_logo", "slide_files"]
