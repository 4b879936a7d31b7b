"""Pictures of matrices: legible, whole, small, and always the same."""

from __future__ import annotations

import hashlib
import io
import os
import re
import subprocess
import sys
import warnings

import numpy as np
import pytest
from PIL import Image

from reportgen.rendering.figures.heatmap import draw_heatmap, heatmap_figure
from reportgen.rendering.figures.style import own_settings
from reportgen.report import build_report
from tests import factories


def specs(evaluation):
    return build_report(evaluation).matrix.figures


def luminance(colour):
    from matplotlib.colors import to_rgb

    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in to_rgb(colour)]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one, other):
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def ramp_evaluation(k):
    """Row shares from 0 to 100% in small steps: every colour of the map."""
    counts = np.zeros((k, k), np.int64)
    for i in range(k):
        counts[i, i] = 10 * i
        counts[i, (i + 1) % k] += 10 * (k - 1 - i) + 1
    return factories.make_evaluation(counts)


@pytest.mark.parametrize(("k", "which"), [(10, 0), (10, 1), (30, 1)])
def test_every_number_contrasts_with_its_cell(k, which):
    """At least 4.58:1, on every colour that the map has."""
    spec = specs(ramp_evaluation(k))[which]
    with own_settings():
        figure, _ = heatmap_figure(spec)
        axes = figure.axes[0]
        faces = axes.collections[0].get_facecolors()
        assert len(axes.texts) == k * k == len(faces)
        worst = min(
            contrast(text.get_color(), face[:3])
            for text, face in zip(axes.texts, faces, strict=True)
        )
    assert worst >= 4.58


CASES = {
    "two": factories.binary,
    "ten": factories.cifar,
    "absent": factories.absent_classes,
    "30": lambda: factories.synthetic(30),
    "60": lambda: factories.synthetic(60),
    "long names": lambda: factories.make_evaluation(
        factories.CIFAR_COUNTS, [f"{'long ' * 30}{i}" for i in range(10)]
    ),
    "odd names": lambda: factories.make_evaluation(
        factories.CIFAR_COUNTS, ["$x_{$", "\\frac", "a_b^c", "%", "{}", "#", "&", "~", "é", "ß"]
    ),
    "large counts": lambda: factories.make_evaluation(
        np.random.default_rng(0).integers(0, 10**6, (15, 15))
    ),
    "one": lambda: factories.make_evaluation([[7]], ["only"]),
}


@pytest.mark.parametrize("name", CASES)
def test_no_text_is_cut_and_every_cell_has_its_number(name):
    evaluation = CASES[name]()
    for spec in specs(evaluation):
        with own_settings():
            figure, _ = heatmap_figure(spec)
            vars(figure).pop("draw")
            figure.canvas.draw()
            whole = figure.bbox
            texts = [*figure.texts, *(text for axes in figure.axes for text in axes.texts)]
            for axes in figure.axes:
                texts += [*axes.get_xticklabels(), *axes.get_yticklabels()]
            for text in texts:
                box = text.get_window_extent()
                assert box.x0 >= whole.x0, text.get_text()
                assert box.y0 >= whole.y0, text.get_text()
                assert box.x1 <= whole.x1, text.get_text()
                assert box.y1 <= whole.y1, text.get_text()
            k = len(evaluation.classes)
            if k <= 30:
                assert len(figure.axes[0].texts) == k * k
            assert len(figure.axes[0].get_yticklabels()) == k


def test_numbers_stay_inside_their_cells_and_apart():
    for name in ("ten", "30"):
        for spec in specs(CASES[name]()):
            with own_settings():
                figure, _ = heatmap_figure(spec)
                vars(figure).pop("draw")
                figure.canvas.draw()
                axes = figure.axes[0]
                cell = axes.get_window_extent().width / len(spec.values)
                for text in axes.texts:
                    assert text.get_window_extent().width <= cell


@pytest.mark.parametrize("name", ["ten", "absent", "60", "one"])
def test_a_picture_is_a_small_palette_png_without_metadata(name):
    for spec in specs(CASES[name]()):
        drawn = draw_heatmap(spec)
        assert len(drawn.content) <= 120_000
        image = Image.open(io.BytesIO(drawn.content))
        image.load()
        assert (image.format, image.mode) == ("PNG", "P")
        assert image.width <= 1600
        assert abs(image.width - 2 * drawn.width) <= 1 or image.width < 2 * drawn.width
        assert len(image.getcolors(257)) <= 256
        kinds = set(re.findall(rb"(IHDR|PLTE|IDAT|IEND|tEXt|iTXt|zTXt|eXIf|tIME|pHYs)",
                               drawn.content))  # fmt: skip
        assert kinds <= {b"IHDR", b"PLTE", b"IDAT", b"IEND"}
        assert not image.text


def test_a_crowded_matrix_stays_small():
    counts = np.random.default_rng(1).integers(100, 2000, (30, 30)) + 60_000 * np.eye(30, dtype=int)
    drawn = draw_heatmap(specs(factories.make_evaluation(counts))[0])
    assert len(drawn.content) <= 120_000
    assert drawn.width <= 800


def test_the_same_input_gives_the_same_bytes():
    spec = specs(factories.absent_classes())[1]
    assert draw_heatmap(spec).content == draw_heatmap(spec).content


def test_cells_keep_their_colour_in_the_file():
    spec = specs(factories.binary())[1]
    from matplotlib import colormaps

    image = Image.open(io.BytesIO(draw_heatmap(spec).content)).convert("RGB")
    colours = {colour for _, colour in image.getcolors(65536)}
    for share in spec.values.ravel():
        wanted = np.round(255 * np.array(colormaps["Blues"](share)[:3]))
        assert min(np.abs(np.array(c) - wanted).max() for c in colours) <= 2


def test_rows_without_samples_are_hatched_and_say_so():
    spec = specs(factories.absent_classes())[1]
    with own_settings():
        figure, _ = heatmap_figure(spec)
    (patch,) = [p for p in figure.axes[0].patches if p.get_hatch()]
    assert (patch.get_y(), patch.get_width()) == (1, 5)
    texts = [text.get_text() for text in figure.axes[0].texts]
    assert texts.count("n/a") == 5
    assert len(texts) == 25


def test_row_shares_always_have_the_same_scale():
    for evaluation in (factories.cifar(), factories.make_evaluation([[5, 5], [6, 4]])):
        with own_settings():
            figure, _ = heatmap_figure(specs(evaluation)[1])
        assert figure.axes[0].collections[0].norm.vmin == 0
        assert figure.axes[0].collections[0].norm.vmax == 1


def test_names_that_no_font_can_draw_become_numbers_without_a_warning():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.filterwarnings(
            "ignore", "'.*' deprecated - use", DeprecationWarning
        )  # pyparsing's
        for spec in specs(factories.hostile()):
            assert draw_heatmap(spec).axis_numbers
        names = ["é", "ß", "ø", "Ω", "ж"]
        latin = factories.make_evaluation(np.diag([5] * 5), names)
        assert not draw_heatmap(specs(latin)[0]).axis_numbers
        arabic = factories.make_evaluation(np.diag([5] * 2), ["قطة", "كلب"])
        assert draw_heatmap(specs(arabic)[0]).axis_numbers


def test_degenerate_matrices_are_drawn_without_a_warning():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for counts in ([[1]], [[0, 1], [0, 0]], [[0, 0], [0, 3]], np.full((3, 3), 4)):
            for spec in specs(factories.make_evaluation(counts)):
                assert draw_heatmap(spec).content


@pytest.mark.parametrize("k", [100, 500])
def test_many_classes_are_drawn_without_labels(k):
    for spec in specs(factories.synthetic(k)):
        drawn = draw_heatmap(spec)
        assert drawn.width <= 800
        assert len(drawn.content) <= 120_000
        assert not drawn.axis_numbers


PROGRAM = """
import sys
sys.path.insert(0, {checkout!r})
from tests import factories
from reportgen.rendering.figures import draw_heatmap
from reportgen.report import build_report
import hashlib
spec = build_report(factories.binary()).matrix.figures[0]
print(hashlib.sha256(draw_heatmap(spec).content).hexdigest())
"""


def drawn_elsewhere(folder, **environment):
    checkout = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))  # noqa: PTH100, PTH120
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM.format(checkout=checkout)],
        capture_output=True, text=True, cwd=folder, check=True,
        env={**os.environ, "PYTHONHASHSEED": "7", **environment},
    )  # fmt: skip
    assert done.stderr == ""
    return done.stdout


def test_the_users_machine_changes_nothing(tmp_path):
    """No matplotlibrc, be it broken, no backend that needs a display, no closed cache folder.

    Nothing is said on stderr either. Root may write anywhere, so a file stands in the way.
    """
    spec = specs(factories.binary())[0]
    (tmp_path / "matplotlibrc").write_text(
        "font.size: 30\naxes.facecolor: red\nfigure.dpi: 10\nnonsense line\nbackend: TkAgg\n"
    )
    (tmp_path / "cache").write_text("a file, not a folder")
    there = drawn_elsewhere(
        tmp_path, MPLBACKEND="TkAgg", DISPLAY="", MPLCONFIGDIR=str(tmp_path / "cache" / "mpl")
    )
    assert there.strip() == hashlib.sha256(draw_heatmap(spec).content).hexdigest()


def test_drawing_leaves_the_process_as_it_was(tmp_path):
    import matplotlib

    before = dict(matplotlib.rcParams)
    environment = dict(os.environ)
    matplotlib.rcParams["font.size"] = 27
    try:
        draw_heatmap(specs(factories.binary())[0])
        assert matplotlib.rcParams["font.size"] == 27
    finally:
        matplotlib.rcParams.update({"font.size": before["font.size"]})
    assert dict(os.environ) == environment
    import matplotlib.pyplot as plt

    assert plt.get_fignums() == []


def test_short_names_below_the_columns_stand_upright():
    from reportgen.rendering.figures.heatmap import stand_upright

    assert stand_upright(["0", "12", "abc"])
    assert not stand_upright(["cat", "deer"])
    assert not stand_upright([str(i) for i in range(31)])
    assert stand_upright([])


@pytest.mark.parametrize("k", [13, 14, 16, 20, 30, 45, 60])
def test_both_pictures_of_many_classes_fit_side_by_side(k):
    """Of one size, so that the page puts them in one row."""
    drawn = [draw_heatmap(spec) for spec in specs(factories.synthetic(k))]
    assert max(one.width for one in drawn) <= 520
    assert len({(one.width, one.height) for one in drawn}) == 1


def test_a_picture_shows_numbers_where_they_are_legible(monkeypatch):
    from reportgen.rendering.figures import heatmap

    drawn = []
    figure = heatmap.heatmap_figure
    monkeypatch.setattr(
        heatmap, "heatmap_figure", lambda *args: drawn.append(figure(*args)) or drawn[-1]
    )
    for k in (10, 12, 14, 16, 20, 24, 28, 30, 45):
        has_digits = draw_heatmap(specs(factories.synthetic(k))[1]).has_digits
        axes = drawn[-1][0].axes[0]
        texts = [*axes.texts, *axes.get_yticklabels()]
        assert min((text.get_fontsize() for text in texts), default=9) >= 9
        assert {text.get_fontsize() for text in axes.get_yticklabels()} == {12}
        assert has_digits == bool(axes.texts)
        assert has_digits or k > 12
        assert not has_digits or k < 30
        names = [text.get_text() for text in axes.get_yticklabels()]
        assert names == [*map(str, [1, *range(10, k + 1, 10)])] if k > 24 else len(names) == k


def test_cells_of_two_classes_are_low_and_their_numbers_large():
    with own_settings():
        figure, _ = heatmap_figure(specs(factories.binary())[0])
    axes = figure.axes[0]
    assert axes.get_position().height * figure.get_size_inches()[1] * 72 == pytest.approx(144)
    assert {text.get_fontsize() for text in axes.texts} == {16}


def test_the_page_says_how_brief_numbers_are_read_where_they_are_drawn():
    counts = 2000 * np.eye(14, dtype=int) + 1
    brief, percents = specs(factories.make_evaluation(counts))
    assert brief.digits_note == "k: thousands. Empty cells are 0. Exact numbers are in the table."
    assert percents.digits_note == "Empty cells are 0. Exact numbers are in the table."
    assert specs(factories.cifar())[0].digits_note == ""


def test_long_names_are_cut_so_that_pictures_of_few_classes_are_side_by_side():
    for length in (10, 60):
        names = [f"long name of a class {'z' * length} here, and last {i}" for i in range(10)]
        drawn = []
        for spec in specs(factories.make_evaluation(factories.CIFAR_COUNTS, names)):
            drawn.append(draw_heatmap(spec))
            assert drawn[-1].has_names
            assert drawn[-1].has_digits
        assert {one.width for one in drawn} == {496}
        assert max(one.height for one in drawn) <= 480


def test_two_classes_fit_a_phone_and_many_classes_have_the_scale_beside_the_title():
    # A phone has 361 px; the lowest version of matplotlib draws one more.
    assert draw_heatmap(specs(factories.binary())[0]).width <= 362
    for k, across in ((12, False), (45, True), (100, True)):
        with own_settings():
            figure, _ = heatmap_figure(specs(factories.synthetic(k))[0])
        scale = figure.axes[1].get_position()
        assert (scale.width > scale.height) == across
