"""From Python: a live module and a loader, left as they were found."""

import json
import random

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn
from torch.utils.data import DataLoader, Dataset, IterableDataset, TensorDataset

import reportgen
from reportgen.errors import DataError, ModelError, OutputError, UsageError
from tests.outputs import OF_SAMPLES

CLASSES = ["red", "green", "blue"]


class Colours(nn.Module):
    """The brightest channel, and enough parts to see whether they are left alone."""

    def __init__(self):
        super().__init__()
        self.norm = nn.BatchNorm2d(3)
        self.drop = nn.Dropout(0.5)
        self.last = nn.Linear(3, 3, bias=False)
        nn.init.eye_(self.last.weight)

    def forward(self, x):
        return self.last(self.drop(self.norm(x).mean((2, 3)))) * 9


def images(n, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return torch.rand(n, 3, 4, 4, generator=generator)


def dataset(n=50):
    x = images(n)
    return TensorDataset(x, x.mean((2, 3)).argmax(1))


def test_a_few_lines_make_a_report(tmp_path):
    loader = DataLoader(dataset(), batch_size=16)
    evaluation = reportgen.run(Colours(), loader, classes=CLASSES, out=tmp_path / "report")
    assert {path.name for path in (tmp_path / "report").iterdir()} == OF_SAMPLES | {
        "predictions.parquet"
    }
    assert evaluation.n_samples == 50
    assert evaluation.summary["accuracy"].value == 1.0
    saved = json.loads((tmp_path / "report/report.json").read_text())
    assert saved["provenance"]["model"]["name"] == "Colours"
    assert reportgen.evaluate(tmp_path / "report/predictions.parquet") == evaluation


def test_a_run_takes_the_options_of_the_figures(tmp_path):
    groups = tmp_path / "groups.csv"
    groups.write_text("class,group\nred,warm\ngreen,cold\nblue,cold\n")
    asked = {"ci": "exact", "macro": "all", "ordinal": True, "hierarchy": groups}
    found = reportgen.run(Colours(), dataset(20), classes=CLASSES, out=tmp_path / "o", **asked)
    assert (found.intervals, found.macro, found.hierarchy.names) == (
        "exact",
        "all",
        ("warm", "cold"),
    )
    assert "kappa_linear" in found.summary
    path = tmp_path / "o/predictions.parquet"
    assert reportgen.evaluate(path, **asked) == found
    assert reportgen.evaluate(reportgen.Predictions.open(path), **asked) == found
    assert reportgen.evaluate(path).intervals == "wilson"
    with pytest.raises(UsageError, match="group_colum"):
        reportgen.evaluate(path, group_colum="x")


def test_what_is_wrong_with_the_figures_is_said_before_the_run(tmp_path):
    for options, slug in (
        ({"ci": "x"}, "option-value"),
        ({"hierarchy": "no.csv"}, "option-file-missing"),
    ):
        with pytest.raises(reportgen.ReportgenError) as caught:
            reportgen.run(Colours(), dataset(9), classes=CLASSES, out=tmp_path / "o", **options)
        assert caught.value.slug == slug
        assert not (tmp_path / "o").exists()


def test_the_numbers_are_those_of_a_plain_loop(tmp_path):
    torch.manual_seed(1)
    model, data = nn.Sequential(nn.Flatten(), nn.Linear(48, 3)), dataset(77)
    evaluation = reportgen.run(
        model, DataLoader(data, batch_size=10), classes=CLASSES, out=tmp_path
    )
    expected = np.zeros((3, 3), int)
    with torch.inference_mode():
        for x, y in DataLoader(data, batch_size=7):
            np.add.at(expected, (y.numpy(), model.eval()(x).argmax(1).numpy()), 1)
    np.testing.assert_array_equal(evaluation.confusion.counts, expected)


def test_a_dataset_alone_will_do(tmp_path):
    assert reportgen.run(Colours(), dataset(9), classes=CLASSES, out=tmp_path).n_samples == 9


def test_the_module_and_the_random_state_are_left_as_they_were(tmp_path):
    model = Colours().train()
    model.norm.eval()
    hook = model.last.register_forward_hook(lambda *_: None)
    before = {name: part.training for name, part in model.named_modules()}
    weights = {name: value.clone() for name, value in model.state_dict().items()}
    states = random.getstate(), np.random.get_state()[1].copy(), torch.get_rng_state()
    reportgen.run(model, DataLoader(dataset(), batch_size=16), classes=CLASSES, out=tmp_path)
    assert {name: part.training for name, part in model.named_modules()} == before
    assert all(torch.equal(value, weights[name]) for name, value in model.state_dict().items())
    assert hook.id in model.last._forward_hooks
    assert random.getstate() == states[0]
    assert (np.random.get_state()[1] == states[1]).all()
    assert torch.equal(torch.get_rng_state(), states[2])


def test_a_training_step_afterwards_works(tmp_path):
    model = Colours().train()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    reportgen.run(model, DataLoader(dataset(), batch_size=16), classes=CLASSES, out=tmp_path)
    x, y = dataset()[:16]
    before = model.last.weight.clone()
    nn.functional.cross_entropy(model(x), y).backward()
    optimizer.step()
    assert not torch.equal(model.last.weight, before)


def test_the_module_is_restored_after_a_failure_too(tmp_path):
    class Failing(Colours):
        def forward(self, x):
            raise RuntimeError("no")

    model = Failing().train()
    with pytest.raises(ModelError):
        reportgen.run(model, DataLoader(dataset(), batch_size=16), classes=CLASSES, out=tmp_path)
    assert model.training
    assert model.drop.training


class Named(Dataset):
    """Batches with ids, as tuples or as mappings."""

    def __init__(self, form, n=12):
        self.form, self.data = form, dataset(n)

    def __len__(self):
        return len(self.data)

    def __getitem__(self, i):
        x, y = self.data[i]
        if self.form == "mapping":
            return {"image": x, "label": y, "id": f"name-{i:02d}"}
        return x, y, f"name-{i:02d}"


@pytest.mark.parametrize("form", ["tuple", "mapping"])
def test_ids_come_with_the_batch_even_shuffled(tmp_path, form):
    loader = DataLoader(Named(form), batch_size=5, shuffle=True)
    reportgen.run(Colours(), loader, classes=CLASSES, out=tmp_path)
    predictions = reportgen.Predictions.open(tmp_path / "predictions.parquet")
    (rows,) = predictions.batches("id", "label", "prediction")
    assert rows["id"].tolist() == [f"name-{i:02d}" for i in range(12)]
    assert (rows["label"] == rows["prediction"]).all()


def test_without_ids_positions_are_ids(tmp_path):
    reportgen.run(Colours(), DataLoader(dataset(12), batch_size=5), classes=CLASSES, out=tmp_path)
    (rows,) = reportgen.Predictions.open(tmp_path / "predictions.parquet").batches("id", "label")
    assert sorted(rows["id"].tolist(), key=int) == [str(i) for i in range(12)]
    labels = {int(i): label for i, label in zip(rows["id"], rows["label"], strict=True)}
    assert [labels[i] for i in range(12)] == dataset(12).tensors[1].tolist()


class Counting(IterableDataset):
    def __iter__(self):
        yield from (dataset(12)[i] for i in range(12))


def test_a_stream_without_length_works(tmp_path):
    assert reportgen.run(
        Colours(), DataLoader(Counting(), batch_size=5), classes=CLASSES, out=tmp_path
    ).n_samples == 12  # fmt: skip


class Odd(Dataset):
    def __init__(self, item):
        self.item = item

    def __len__(self):
        return 4

    def __getitem__(self, i):
        return self.item(i)


X = torch.zeros(3, 4, 4)


def collated(batch):
    return batch


@pytest.mark.parametrize(
    ("loader", "kind", "slug", "code"),
    [
        (
            lambda: DataLoader(dataset(), batch_size=4, shuffle=True),
            UsageError,
            "loader-shuffles",
            2,
        ),
        (
            lambda: DataLoader(dataset(50), batch_size=16, drop_last=True),
            ModelError,
            "loader-count",
            4,
        ),
        (lambda: DataLoader(Odd(lambda i: X)), ModelError, "batch-form", 4),
        (
            lambda: DataLoader(Odd(lambda i: {"picture": X, "label": 0})),
            ModelError,
            "batch-form",
            4,
        ),
        (lambda: DataLoader(Odd(lambda i: None), collate_fn=collated), ModelError, "batch-form", 4),
        (lambda: DataLoader(Odd(lambda i: (X, 0.5))), ModelError, "batch-form", 4),
        (lambda: DataLoader(Odd(lambda i: (X, 3))), DataError, "label-out-of-range", 3),
        (lambda: DataLoader(Odd(lambda i: (X, -100))), DataError, "label-out-of-range", 3),
        (lambda: DataLoader(Odd(lambda i: 1 / 0)), ModelError, "loader-failed", 4),
        (lambda: DataLoader(Odd(lambda i: (X, 0, "same"))), DataError, "duplicate-ids", 3),
        (lambda: 3, UsageError, "data-kind", 2),
    ],
)
def test_a_loader_that_cannot_be_used_is_refused(tmp_path, loader, kind, slug, code):
    with pytest.raises(kind) as caught:
        reportgen.run(Colours(), loader(), classes=CLASSES, out=tmp_path)
    assert caught.value.slug == slug
    assert caught.value.exit_code == code
    assert not (tmp_path / "report.html").exists()


def test_the_lines_of_a_failing_dataset_are_shown(tmp_path):
    with pytest.raises(ModelError, match=r"test_api\.py, line") as caught:
        reportgen.run(Colours(), DataLoader(Odd(lambda i: 1 / 0)), classes=CLASSES, out=tmp_path)
    assert "division by zero" in str(caught.value)


def test_labels_that_look_1_based_get_a_hint(tmp_path):
    loader = DataLoader(Odd(lambda i: (X, i % 3 + 1)), batch_size=4)
    with pytest.raises(DataError, match="1-based"):
        reportgen.run(Colours(), loader, classes=CLASSES, out=tmp_path)


def test_a_label_of_minus_1_is_unknown_and_left_out(tmp_path):
    loader = DataLoader(Odd(lambda i: (X + i, i % 2 - 1)), batch_size=4)
    evaluation = reportgen.run(Colours(), loader, classes=CLASSES, out=tmp_path)
    assert evaluation.samples.excluded == {"label unknown": 2}
    assert evaluation.samples.found == 4


def test_the_class_list_must_fit_the_outputs(tmp_path):
    with pytest.raises(ModelError, match="3 outputs, the class list has 4") as caught:
        reportgen.run(Colours(), dataset(), classes=list("abcd"), out=tmp_path)
    assert caught.value.slug == "class-count"


def test_a_class_list_is_needed_and_the_datasets_own_is_taken(tmp_path):
    with pytest.raises(UsageError) as caught:
        reportgen.run(Colours(), dataset(), out=tmp_path / "a")
    assert caught.value.slug == "classes-needed"
    data = dataset()
    data.classes = CLASSES
    assert reportgen.run(Colours(), data, out=tmp_path / "b").classes == tuple(CLASSES)


def test_two_classes_need_one_output(tmp_path):
    class Bright(nn.Module):
        def forward(self, x):
            return (x.mean((1, 2, 3)) - 0.5) * 50

    x = torch.cat([images(20) * 0.4, 1 - images(20) * 0.4])
    data = TensorDataset(x, torch.tensor([0] * 20 + [1] * 20))
    evaluation = reportgen.run(Bright(), data, classes=["dark", "bright"], out=tmp_path)
    assert evaluation.summary["accuracy"].value == 1.0


def test_results_are_not_replaced_unless_forced(tmp_path):
    reportgen.run(Colours(), dataset(), classes=CLASSES, out=tmp_path)
    with pytest.raises(OutputError) as caught:
        reportgen.run(Colours(), dataset(), classes=CLASSES, out=tmp_path)
    assert caught.value.slug == "output-exists"
    reportgen.run(Colours(), dataset(20), classes=CLASSES, out=tmp_path, force=True)
    assert reportgen.evaluate(tmp_path / "predictions.parquet").n_samples == 20


def test_an_option_that_does_not_exist_is_named_with_the_nearest(tmp_path):
    with pytest.raises(UsageError, match="did you mean batch_size") as caught:
        reportgen.run(Colours(), dataset(), classes=CLASSES, out=tmp_path, batchsize=3)
    assert caught.value.slug == "option-unknown"


def test_a_live_run_cannot_be_resumed(tmp_path):
    with pytest.raises(UsageError) as caught:
        reportgen.run(Colours(), dataset(), classes=CLASSES, out=tmp_path, resume=True)
    assert caught.value.slug == "resume-live"


def test_a_live_module_and_a_folder_do_not_go_together(tmp_path):
    with pytest.raises(UsageError) as caught:
        reportgen.run("net.pt2", dataset(), classes=CLASSES, out=tmp_path)
    assert caught.value.slug == "model-and-data"


def test_predict_alone_writes_one_file_and_render_makes_the_same_report(tmp_path):
    loader = DataLoader(Named("tuple"), batch_size=5)
    reportgen.run(Colours(), loader, classes=CLASSES, out=tmp_path / "a")
    predictions = reportgen.predict(
        Colours(), loader, classes=CLASSES, out=tmp_path / "b/p.parquet"
    )
    assert [path.name for path in (tmp_path / "b").iterdir()] == ["p.parquet"]
    assert predictions.n_rows == 12
    reportgen.render(tmp_path / "b/p.parquet", out=tmp_path / "c")
    for name in OF_SAMPLES:
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "c" / name).read_bytes()


@pytest.mark.parametrize("options", [{}, {"force": True}, {"resume": True}])
def test_predictions_are_not_put_beside_the_report_of_others(tmp_path, options):
    """Its page and its report.json would say other numbers than the predictions beside them."""
    out, table = tmp_path / "o", {"label": ["red", "red"], "prediction": ["red", "blue"]}
    reportgen.render(table, out=out)
    before = {path.name: path.read_bytes() for path in out.iterdir()}
    loader = DataLoader(Named("tuple"), batch_size=5)
    with pytest.raises(OutputError) as caught:
        reportgen.predict(Colours(), loader, classes=CLASSES, out=out, **options)
    assert caught.value.slug == "output-exists"
    assert str(caught.value).startswith('a report exists in "o": report.html, report.json')
    assert "or replace predictions and report together: reportgen run" in caught.value.hint
    assert {path.name: path.read_bytes() for path in out.iterdir()} == before
    reportgen.predict(Colours(), loader, classes=CLASSES, out=out / "p.parquet")
    reportgen.run(Colours(), loader, classes=CLASSES, out=out, force=True)


def pictures(folder, n=12):
    """An ImageFolder-like data set: it has `samples`, so galleries find their pictures."""
    data = dataset(n)
    data.samples = []
    for i in range(n):
        path = folder / f"{i}.png"
        pixels = (data.tensors[0][i].permute(1, 2, 0).numpy() * 255).astype(np.uint8)
        Image.fromarray(pixels).save(path)
        data.samples.append((str(path), int(data.tensors[1][i])))
    return data


class Wrong(Colours):
    def forward(self, x):
        return super().forward(x).roll(1, 1)


def test_thumbnails_come_from_the_file_list_of_the_dataset(tmp_path):
    (tmp_path / "images").mkdir()
    reportgen.run(Wrong(), pictures(tmp_path / "images"), classes=CLASSES, out=tmp_path / "a")
    assert "data:image/" in gallery(tmp_path / "a")


def gallery(folder):
    html = (folder / "report.html").read_text()
    return html[html.index('id="pairs"') :]


def test_thumbnails_come_from_a_function_of_the_id(tmp_path):
    asked = []

    def thumbnail(name):
        asked.append(name)
        return Image.new("RGB", (8, 8), "red")

    reportgen.run(Wrong(), dataset(12), classes=CLASSES, out=tmp_path, thumbnail=thumbnail)
    assert sorted(map(int, asked)) == list(range(12))
    assert "data:image/" in gallery(tmp_path)


def test_without_images_the_page_says_why(tmp_path):
    reportgen.run(Wrong(), dataset(12), classes=CLASSES, out=tmp_path)
    assert "data:image" not in gallery(tmp_path)
    assert "thumbnail" in gallery(tmp_path).lower() or "picture" in gallery(tmp_path).lower()


def test_the_file_list_is_not_used_where_ids_are_no_positions(tmp_path):
    """An id "3" that a batch gives need not be the fourth file."""
    (tmp_path / "images").mkdir()
    data = Named("tuple")
    data.samples = pictures(tmp_path / "images").samples
    reportgen.run(Wrong(), DataLoader(data), classes=CLASSES, out=tmp_path / "a")
    assert "data:image" not in gallery(tmp_path / "a")


def test_a_subset_shows_its_own_pictures(tmp_path):
    from reportgen.inference.sources.live import paths_of

    (tmp_path / "images").mkdir()
    subset = torch.utils.data.Subset(pictures(tmp_path / "images"), [4, 2])
    assert [path[-5:] for path in paths_of(DataLoader(subset))] == ["4.png", "2.png"]


def test_no_function_of_the_package_is_hidden_by_a_room():
    import importlib

    import reportgen

    for name in reportgen.__all__:
        if importlib.util.find_spec(f"reportgen.{name}") is not None:
            importlib.import_module(f"reportgen.{name}")
        assert callable(getattr(reportgen, name)), name


class Sigmoids(Colours):
    """Each class has a score of its own; those of a sample need not sum to 1."""

    def forward(self, x):
        return torch.sigmoid(super().forward(x))


def test_a_model_of_independent_scores_is_evaluated_as_the_saved_scores_are(tmp_path):
    """The file that it writes is read as such without an option, and so is a saved baseline."""
    given = {"classes": CLASSES, "outputs": "one-vs-rest"}
    found = reportgen.run(Sigmoids(), dataset(), out=tmp_path / "o", **given)
    x, labels = dataset().tensors
    scores = Sigmoids().eval()(x).detach().numpy()
    saved = reportgen.load({"label": labels.numpy(), "probabilities": scores}, **given)
    assert found.confusion == saved.confusion
    assert found.summary["macro_roc_auc"].value == pytest.approx(
        saved.summary["macro_roc_auc"].value
    )
    assert found.summary["ece"].reason == "independent_scores"
    assert "independent-scores" in [note.code for note in found.notes]
    again = reportgen.render(tmp_path / "o" / "predictions.parquet", out=tmp_path / "again")
    assert again.summary == found.summary
    against = reportgen.compare(tmp_path / "o", tmp_path / "o")
    assert against.summary["accuracy"].difference == 0


def test_independent_scores_are_kept_whatever_their_number(tmp_path):
    with pytest.raises(UsageError, match="keep-probabilities") as caught:
        reportgen.run(
            Sigmoids(), dataset(9), out=tmp_path, classes=CLASSES, outputs="one-vs-rest",
            keep_probabilities="no",
        )  # fmt: skip
    assert caught.value.slug == "option-conflict"
