"""Pictures for slides: whole, legible, named by content, and always the same."""

from __future__ import annotations

import io
import re
import warnings
import xml.etree.ElementTree as ET

import numpy as np
import pytest
from PIL import Image

from reportgen.errors import OutputError
from reportgen.options.page import COLORMAPS, PageOptions
from reportgen.rendering import write_all
from reportgen.rendering.figures.curves import row_figures
from reportgen.rendering.figures.heatmap import draw_heatmap, heatmap_figure
from reportgen.rendering.figures.slides import _slide_settings, slide_figures, slide_files
from reportgen.rendering.figures.style import heat_steps, own_settings
from reportgen.rendering.tree import find_values
from reportgen.report import build_report
from reportgen.report.matrix import HeatmapSpec
from reportgen.report.threshold import ThresholdMark, ThresholdSection
from tests import factories, review_factories
from tests.test_figures import contrast, ramp_evaluation

CURVES = ["reliability", "confidence-histogram", "risk-coverage"]


def files_of(report, **options):
    specs = find_values(report, HeatmapSpec)
    return slide_files(specs, report.confidence, str(report.subject), **options)


@pytest.fixture(scope="module")
def two():
    """Two classes with scores: all kinds of pictures, drawn fast."""
    return build_report(factories.scored(factories.binary()))


@pytest.fixture(scope="module")
def files(two):
    return files_of(two)


def test_each_matrix_and_curve_is_there_in_both_formats(files):
    names = ["confusion-counts", "confusion-row-shares", *CURVES]
    assert {f"{name}.{kind}" for name in names for kind in ("png", "svg")} <= set(files)
    assert all(re.fullmatch(r"[a-z][a-z0-9-]*\.(png|svg)", name) for name in files)


def test_pngs_have_twice_the_size_and_say_nothing_of_their_making(files, two):
    image = Image.open(io.BytesIO(files["confusion-counts.png"]))
    image.load()
    assert image.width == 2 * 496  # wider than on the page, where it fits a phone
    assert draw_heatmap(two.matrix.figures[0]).width < 400
    for name, content in files.items():
        if name.endswith(".png"):
            opened = Image.open(io.BytesIO(content))
            opened.load()
            assert opened.width >= 900
            assert not opened.text
            assert b"tEXt" not in content


def test_svgs_hold_shapes_alone_and_say_nothing_of_their_making(files):
    for name, content in files.items():
        if name.endswith(".svg"):
            text = content.decode("utf-8")
            tags = {element.tag.split("}")[1] for element in ET.fromstring(text).iter()}
            assert not tags & {"script", "text", "foreignObject", "a", "date", "creator"}, name
            assert not re.search("[0-9]{4}-[0-9]{2}-[0-9]{2}T|[Mm]atplotlib v", text)
            assert not re.search(
                r"https?://(?!www\.w3\.org|purl\.org|creativecommons\.org|matplotlib\.org)", text
            )


def test_the_same_input_gives_the_same_bytes(two, files):
    assert files_of(two) == files


def corner(content):
    return Image.open(io.BytesIO(content)).convert("RGBA").getpixel((1, 1))


def test_the_ground_is_white_or_clear(two, files):
    clear = files_of(two, transparent=True)
    for name in files:
        if name.endswith(".png"):
            assert corner(files[name]) == (255, 255, 255, 255)
            assert corner(clear[name])[3] == 0


def long_names():
    return factories.scored(
        factories.make_evaluation(classes=[f"{'long ' * 20}{i}" for i in range(10)])
    )


CASES = {
    "scores": factories.scored,
    "two": factories.binary,
    "long names": long_names,
}


@pytest.mark.parametrize("name", CASES)
def test_no_text_is_cut(name):
    report = build_report(CASES[name]())
    subject = "a model with a long name 1.2.3.4 " * 5
    with _slide_settings():
        for title, figure in slide_figures(
            find_values(report, HeatmapSpec), report.confidence, subject
        ):
            figure.canvas.draw()
            whole = figure.bbox
            texts = [*figure.texts, *([figure._suptitle] if figure._suptitle else [])]
            for axes in figure.axes:
                texts += [
                    *axes.texts,
                    axes.title,
                    axes._left_title,
                    axes.xaxis.label,
                    axes.yaxis.label,
                ]
                for axis in (axes.xaxis, axes.yaxis):
                    low, high = sorted(axis.get_view_interval())
                    texts += [
                        tick.label1 for tick in axis.get_major_ticks()
                        if low - 1e-9 <= tick.get_loc() <= high + 1e-9
                    ]  # fmt: skip
            seen = [text for text in texts if text.get_visible() and text.get_text()]
            assert len(seen) > 3
            for text in seen:
                box = text.get_window_extent()
                assert box.x0 >= whole.x0 - 0.5, (title, text.get_text())
                assert box.y0 >= whole.y0 - 0.5, (title, text.get_text())
                assert box.x1 <= whole.x1 + 0.5, (title, text.get_text())
                assert box.y1 <= whole.y1 + 0.5, (title, text.get_text())


def test_names_that_can_t_be_drawn_and_control_marks_do_no_harm():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.filterwarnings(
            "ignore", "'.*' deprecated - use", DeprecationWarning
        )  # pyparsing's
        report = build_report(factories.hostile())
        files = slide_files(report.matrix.figures[:1], report.confidence, str(report.subject))
        assert ET.fromstring(files["confusion-counts.svg"])


def test_without_confidences_there_are_matrices_alone():
    assert set(files_of(build_report(factories.fashion()))) == {
        f"confusion-{what}.{kind}" for what in ("counts", "row-shares") for kind in ("png", "svg")
    }


def test_the_svg_of_many_classes_stays_small():
    report = build_report(factories.synthetic(100))
    files = slide_files(report.matrix.figures[:1], report.confidence, "x")
    assert len(files["confusion-counts.svg"]) < 200_000


def test_the_curves_of_two_classes_are_drawn_where_there_are_any():
    from tests.test_charts import CHART

    section = ThresholdSection(
        None, (), (), ((0, 0), (0.1, 0.8), (1, 1)), ((0.1, 1), (0.8, 0.7), (1, 0.05)), 0.05,
        (ThresholdMark("A", 0.1, 0.8, 0.7), ThresholdMark("B", 0, 0, None)), (CHART, CHART), (), (),
    )  # fmt: skip
    report = build_report(factories.fashion())
    with own_settings():
        figures = dict(slide_figures((), report.confidence, "x", (section,)))
    assert set(figures) == {"roc", "precision-recall"}
    (axes,) = figures["roc"].axes
    even, line, *marks = axes.get_lines()
    assert line.get_xydata() == pytest.approx(np.array([(0, 0), (10, 80), (100, 100)]))
    assert len(marks) == 2
    (axes,) = figures["precision-recall"].axes
    even, line, *marks = axes.get_lines()
    assert list(even.get_ydata()) == [5, 5]
    assert len(marks) == 1  # B has no precision
    assert line.get_drawstyle() == "steps-pre"  # as average precision counts
    assert line.get_xydata() == pytest.approx(np.array([(0, 100), (10, 100), (80, 70), (100, 5)]))


@pytest.mark.parametrize("name", COLORMAPS)
def test_digits_can_be_read_on_every_colour_of_every_map(name):
    spec = build_report(ramp_evaluation(12)).matrix.figures[1]
    with own_settings():
        figure, _ = heatmap_figure(spec, name)
    axes = figure.axes[0]
    faces = axes.collections[0].get_facecolors()
    pairs = list(zip(axes.texts, faces, strict=True))
    assert min(contrast(text.get_color(), face[:3]) for text, face in pairs) >= 4.5
    assert min(contrast(ink, ground) for ground, ink in heat_steps(name)) >= 4.5
    assert len({tuple(face) for face in faces}) > 12


@pytest.mark.parametrize("name", COLORMAPS)
def test_the_lightness_of_every_map_only_rises_or_only_falls(name):
    from tests.test_figures import luminance

    steps = np.diff([luminance(ground) for ground, _ in heat_steps(name)])
    assert (steps > 0).all() or (steps < 0).all()


def test_blues_are_the_colours_of_the_style():
    from reportgen.rendering import user_templates as html

    css = (html.template_folder() / "report.css").read_text("ascii")
    steps = re.findall(r"\.h(\d+)\{background:#(\w+);color:(#\w+)", css)
    assert len(steps) >= 21
    for (_, ground, ink), (own_ground, own_ink) in zip(steps, heat_steps("Blues"), strict=False):
        channels = zip(bytes.fromhex(ground), bytes.fromhex(own_ground[1:]), strict=True)
        assert max(abs(one - other) for one, other in channels) <= 2
        assert ink == own_ink[:4]


@pytest.mark.usefixtures("no_drawing")
def test_they_are_written_on_request_and_an_earlier_report_s_do_not_stay(
    report, evaluation, tmp_path, monkeypatch
):
    from reportgen.rendering.figures import slides as room

    seen = {}
    pictures = {"confusion-counts.png": b"1", "confusion-counts.svg": b"2"}
    monkeypatch.setattr(room, "slide_files", lambda *_, **options: seen.update(options) or pictures)
    page = PageOptions(figures=True, figures_background="transparent", colormap="mako")
    write_all(report, evaluation, tmp_path, page)
    assert seen == {"colourmap": "mako", "transparent": True}
    assert {path.name: path.read_bytes() for path in (tmp_path / "figures").iterdir()} == pictures
    write_all(report, evaluation, tmp_path)
    assert not (tmp_path / "figures").exists()


@pytest.mark.usefixtures("no_drawing")
def test_figures_of_somebody_else_stay(report, evaluation, tmp_path):
    (tmp_path / "figures").mkdir()
    (tmp_path / "figures" / "mine.svg").write_text("mine")
    write_all(report, evaluation, tmp_path)
    assert (tmp_path / "figures" / "mine.svg").is_file()
    (tmp_path / "figures" / "thesis.tex").write_text("mine")
    with pytest.raises(OutputError) as caught:
        write_all(report, evaluation, tmp_path, PageOptions(figures=True))
    assert caught.value.slug == "output-folder-blocked"


COMPARED = {
    "difference-row-shares", "difference-counts", "baseline-row-shares", "recall-changes",
    "reliability-baseline", "class-figures",
}  # fmt: skip


@pytest.fixture(scope="module")
def compared():
    comparison = review_factories.paired()
    return build_report(review_factories.evaluation(comparison), comparison=comparison)


def test_the_charts_of_a_comparison_are_among_the_slides(compared, tmp_path):
    evaluation = review_factories.evaluation(review_factories.paired())
    write_all(compared, evaluation, tmp_path, PageOptions(figures=True))
    names = {path.stem for path in (tmp_path / "figures").iterdir()}
    assert names >= COMPARED
    files = [tmp_path / "figures" / f"{name}.{kind}" for name in names for kind in ("png", "svg")]
    assert all(path.is_file() for path in files)


def test_what_tables_draw_in_their_rows_is_drawn_with_the_same_numbers(compared):
    with own_settings():
        figures = dict(row_figures(compared))
    (axes,) = figures["recall-changes"].axes
    changes = compared.comparison.classes.rows
    dots = [line for line in axes.get_lines() if line.get_marker() == "o"]
    assert [dot.get_xdata()[0] for dot in dots] == pytest.approx(
        [100 * row.recall.value for row in changes]
    )
    assert [text.get_text() for text in axes.texts] == [row.recall.text for row in changes]
    assert axes.get_yticklabels()[0].get_text() == changes[0].name.text
    recall, *_ = figures["class-figures"].axes
    lowest = compared.classes.rows[0].cells["recall"]
    spans = [line.get_xdata() for line in recall.get_lines() if line.get_marker() != "o"]
    assert spans[0] == pytest.approx([100 * lowest.low, 100 * lowest.high])


def test_charts_of_many_rows_show_the_first_and_count_the_rest():
    report = build_report(factories.synthetic(100))
    with own_settings():
        figure = dict(row_figures(report))["class-figures"]
    assert len(figure.axes[0].get_yticklabels()) == 30
    assert "70 further rows not shown" in figure.axes[0].get_xlabel()


def test_differences_of_counts_are_numbers_in_the_picture(compared):
    counts = next(s for s in find_values(compared, HeatmapSpec) if s.name == "difference-counts")
    table = compared.comparison.difference.rows
    assert counts.texts == tuple(tuple(cell.text for cell in row.counts) for row in table)


@pytest.mark.parametrize(("k", "size"), [(2, 1), (10, 700), (13, 900), (15, 1_000_003), (30, 9)])
def test_the_two_pictures_of_a_matrix_have_the_same_size_and_the_same_cells(k, size):
    counts = (np.eye(k, dtype=int) * 90 + 3) * size
    report = build_report(factories.make_evaluation(counts.tolist()))
    with own_settings():
        one, other = (heatmap_figure(spec)[0] for spec in report.matrix.figures)
        assert one.get_size_inches() == pytest.approx(other.get_size_inches())
        places = [figure.axes[0].get_position().bounds for figure in (one, other)]
    assert places[0] == pytest.approx(places[1])


def test_counts_in_pictures_have_separators_of_thousands():
    counts, _ = build_report(factories.fashion()).matrix.figures
    assert counts.texts[0][0] == "5,431"
