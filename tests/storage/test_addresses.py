"""What may be in an address, and what is shown of it: nothing is opened."""

import os
import pickle

import pyarrow.fs
import pytest

import reportgen
from reportgen.errors import DataError, OutputError, UsageError
from reportgen.storage import (
    Address,
    given_name,
    is_address,
    kept_folder,
    reached,
    typed_place,
)


@pytest.mark.parametrize(
    ("text", "name", "path"),
    [
        ("s3://bucket/runs/7/val.parquet", "val.parquet", "bucket/runs/7/val.parquet"),
        ("s3:/bucket/val.csv", "val.csv", "bucket/val.csv"),  # as pathlib folds it
        ("S3://bucket/runs/", "runs", "bucket/runs"),
        ("gs://bucket", "gs", "bucket"),
        ("s3://bucket/a?endpoint_override=127.0.0.1:9&scheme=http&region=x", "a", "bucket/a"),
        ("s3://bucket/part-?.csv", "part-?.csv", "bucket/part-?.csv"),
        ("abfss://box@account.dfs.core.windows.net/a/b.csv", "b.csv", "box/a/b.csv"),
    ],
)
def test_an_address_is_shown_by_its_last_part(text, name, path):
    address = typed_place(text, "INPUT")
    assert isinstance(address, Address)
    assert (address.name, address.path) == (name, path)
    assert str(address) == name
    assert repr(address) == f"Address({name!r})"
    assert given_name(text) == name
    assert pickle.loads(pickle.dumps(address)) == address


@pytest.mark.parametrize(
    "text",
    [
        "s3://me@bucket/key",
        "s3://AKIA:s3cr3t@bucket/key",
        "gs://me@bucket/key",
        "abfss://box:s3cr3t@account.dfs.core.windows.net/key",
        "abfss://me@box@account.dfs.core.windows.net/key",
        "s3://bucket/key?access_key=AKIA&secret_key=s3cr3t",
        "s3://bucket/key?X-Amz-Signature=s3cr3t",
        "gs://bucket/key?access_token=s3cr3t",
        "abfss://box@account.dfs.core.windows.net/key?sas_token=s3cr3t",
        "abfss://box@account.dfs.core.windows.net/key?client_secret=s3cr3t",
    ],
)
def test_a_user_or_a_secret_is_refused_and_not_shown(text, tmp_path):
    (tmp_path / "t.csv").write_text("label,prediction\ncat,cat\n")
    for act in (
        lambda: reportgen.load(text),
        lambda: reportgen.render(text, out=tmp_path / "o"),
        lambda: reportgen.compare(text, tmp_path / "t.csv"),
    ):
        with pytest.raises(UsageError) as caught:
            act()
        assert (caught.value.slug, caught.value.exit_code) == ("address-secret", 2)
        assert '"key"' in caught.value.message
        for word in ("me@", "AKIA", "s3cr3t", "bucket", "box", "account"):
            assert word not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("s3://bucket/a?regoin=eu", 'INPUT has an unknown option "regoin" after the ?'),
        ("gs://bucket/a?region=eu", 'INPUT has an unknown option "region" after the ?'),
        ("s3:///a", "INPUT names no bucket"),
        ("abfs://box/a", "INPUT names no storage account"),
    ],
)
def test_an_address_that_can_t_be_meant_is_refused(text, message):
    with pytest.raises(UsageError) as caught:
        typed_place(text, "INPUT")
    assert (caught.value.message, caught.value.slug) == (message, "option-value")


def test_other_addresses_and_files_of_that_name_are_none(tmp_path, monkeypatch):
    for text in ("https://host/a", "hf://me/a", "C:/a", "a.csv", "hdfs://host/a"):
        assert not is_address(text)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "s3:/bucket").mkdir(parents=True)
    (tmp_path / "s3:/bucket/a.csv").write_text("x")
    assert not is_address("s3://bucket/a.csv")
    assert is_address("s3://bucket/b.csv")


def test_an_address_inside_a_file_is_none(tmp_path):
    (tmp_path / "data.csv").write_text(
        "path,label\ns3://bucket/a.png,cat\nhttps://host/b.png,dog\n"
    )
    with pytest.raises(reportgen.errors.ReportgenError) as caught:
        reportgen.predict("torchvision:resnet18", tmp_path / "data.csv", out=tmp_path / "o")
    assert caught.value.slug != "address-unreachable"


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        ("in bucket 'b': AWS Error ACCESS_DENIED during HeadObject", "access is denied"),
        ("AWS Error NETWORK_CONNECTION during PutObject operation: curlCode: 7", "nothing listens there"),
        ("AWS Error UNKNOWN (HTTP status 418): bucket b at host:9", "the request failed"),
        ("Retry policy exhausted: PerformWork() - CURL error [7]=Could not connect", "nothing listens there"),
        ("last message of Could not create a OAuth2 access token to authenticate", "there are no credentials"),
        ("Permanent error: Received HTTP status code: 403 error_info={}", "access is denied"),
        ("Check 'https://me.blob.core.windows.net/b' failed: Failed to get token", "there are no credentials"),
        ("Azure Error: [] Fail to get a connection: Could not connect to server", "nothing listens there"),
    ],
)  # fmt: skip
def test_what_pyarrow_says_of_a_request_is_told_without_the_bucket(said, reason):
    address = typed_place("s3://bucket/a/val.csv", "INPUT")
    with pytest.raises(DataError) as read, reached(address):
        raise OSError(said)
    with pytest.raises(OutputError) as written, reached(address, to_write=True):
        raise OSError(said)
    assert read.value.message == f'the address of "val.csv" can\'t be reached: {reason}'
    assert written.value.message == f'cannot write "val.csv" to its address: {reason}'
    assert [one.value.slug for one in (read, written)] == [
        "address-unreachable", "address-not-written",
    ]  # fmt: skip
    assert [one.value.exit_code for one in (read, written)] == [3, 5]


@pytest.mark.parametrize(
    ("text", "tried", "way_out"),
    [
        ("s3://b/a.csv", "tried 3 times", "AWS_REGION"),
        ("gs://b/a.csv", "tried for 30 s", "GOOGLE_APPLICATION_CREDENTIALS"),
        ("abfs://c@me.dfs.core.windows.net/a.csv", None, "az login"),
    ],
)
def test_an_error_tells_what_was_tried_and_where_credentials_of_that_service_are(
    text, tried, way_out
):
    with pytest.raises(DataError) as caught, reached(typed_place(text, "INPUT")):
        raise OSError("bucket")
    assert way_out in caught.value.hint
    assert not caught.value.details if tried is None else (tried in caught.value.details[0])


def test_an_error_of_a_file_system_of_the_caller_s_sends_to_its_options():
    place = typed_place("b/a.csv", "INPUT", pyarrow.fs.LocalFileSystem())
    with pytest.raises(DataError) as caught, reached(place):
        raise OSError("bucket")
    assert caught.value.hint.endswith("the options of the file system")


@pytest.mark.skipif(not hasattr(os, "getuid"), reason="folders have no owners there")
@pytest.mark.parametrize("taken", ["file", "link", "dangling"])
def test_a_name_that_another_took_in_the_temporary_folder_is_not_used(taken, tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    base = tmp_path / f"reportgen-{os.getuid()}"
    if taken == "file":
        base.touch()
    else:
        base.symlink_to(tmp_path if taken == "link" else tmp_path / "gone")
    folder = kept_folder(typed_place("s3://bucket/run", "-o"))
    assert folder.is_dir()
    assert base not in folder.parents
    assert folder.parent.stat().st_mode & 0o077 == 0
    base.unlink()
    assert kept_folder(typed_place("s3://bucket/run", "-o")).parent == base
