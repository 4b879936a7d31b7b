"""One comment on a pull request, on a code host that behaves as GitHub and GitLab do."""

from __future__ import annotations

import pytest

import reportgen
from reportgen.delivery import CommentPlace, post_comment, read_host
from reportgen.delivery import http as requests
from reportgen.errors import DataError, DeliveryError, UsageError
from reportgen.rendering import marker
from tests.delivery.servers import code_host

TOKEN = "canary-7f3a"
MARK = marker("default")
BODY = f"## one\n\n{MARK}\n"


@pytest.fixture(params=["github", "gitlab"])
def host(request, monkeypatch):
    with code_host(request.param) as found:
        for name in ("GITHUB_REPOSITORY", "CI_PROJECT_ID"):
            monkeypatch.delenv(name, raising=False)
        if request.param == "github":
            monkeypatch.setenv("GITHUB_REPOSITORY", "octo/repo")
            monkeypatch.setenv("GITHUB_API_URL", found.base)
            monkeypatch.setenv("GITHUB_TOKEN", TOKEN)
        else:
            monkeypatch.setenv("CI_PROJECT_ID", "42")
            monkeypatch.setenv("CI_API_V4_URL", found.base)
            monkeypatch.setenv("GITLAB_TOKEN", TOKEN)
        yield found


@pytest.fixture
def waits(monkeypatch):
    """Seconds that were waited, without waiting."""
    found: list[float] = []
    monkeypatch.setattr(requests.Api, "_sleep", lambda _, seconds: found.append(seconds))
    return found


def post(body=BODY, mark=MARK, place=None, *, anew=False):
    return post_comment(read_host(), place or CommentPlace(7), body, mark, anew=anew)


def test_the_first_comment_is_created_and_the_second_updates_it(host):
    assert post().word == "created"
    assert post(BODY.replace("one", "two")).word == "updated"
    assert [one["body"] for one in host.comments] == [BODY.replace("one", "two")]


def test_the_same_text_sends_nothing(host):
    post()
    before = len(host.requests)
    assert post().word == "unchanged"
    assert {method for method, *_ in host.requests[before:]} == {"GET"}


def test_two_keys_have_two_comments(host):
    other = marker("nightly")
    post()
    assert post(f"x\n{other}\n", other).word == "created"
    assert len(host.comments) == 2


def test_ours_is_found_behind_250_comments_of_others(host):
    for number in range(250):
        host.add(f"comment {number}", "someone")
    ours = host.add(BODY)
    assert post(BODY + "").word == "unchanged"
    assert post(f"new\n{MARK}\n").word == "updated"
    assert ours["body"] == f"new\n{MARK}\n"


def test_a_marker_of_somebody_else_or_a_quoted_one_is_not_ours(host):
    host.add(BODY, "attacker")
    host.add(f"> {BODY}\nI agree", "bot")
    assert post().word == "created"
    assert len(host.comments) == 3


def test_of_several_of_ours_the_oldest_is_updated_and_the_others_are_told(host):
    host.add(BODY)
    host.add(BODY)
    made = post(f"new\n{MARK}\n")
    assert (made.word, made.duplicates) == ("updated", 1)
    assert host.comments[0]["body"] == f"new\n{MARK}\n"


def test_recreate_posts_anew_and_deletes_the_earlier_one(host):
    post()
    assert post(f"new\n{MARK}\n", anew=True).word == "recreated"
    assert [one["body"] for one in host.comments] == [f"new\n{MARK}\n"]


def test_recreate_keeps_the_earlier_one_until_the_host_has_the_new_one(host, waits):
    post()
    host.answers["POST"], host.taken = [(201, {}, {})], False
    with pytest.raises(DeliveryError, match="not among those"):
        post(f"new\n{MARK}\n", anew=True)
    assert [one["body"] for one in host.comments] == [BODY]
    host.answers["POST"], host.taken = [(201, {}, b"<html>taken</html>")], True
    assert post(f"new\n{MARK}\n", anew=True).url.endswith("2")
    assert [one["body"] for one in host.comments] == [f"new\n{MARK}\n"]


def test_a_refused_deletion_says_that_the_new_comment_is_there(host, waits):
    post()
    host.answers["DELETE"] = [(403, {}, {"message": "Resource not accessible"})]
    with pytest.raises(DeliveryError, match="new comment was posted") as caught:
        post(f"new\n{MARK}\n", anew=True)
    assert "earlier: " in str(caught.value)
    assert len(host.comments) == 2


def test_a_comment_that_was_deleted_meanwhile_is_created(host):
    post()
    method = "PATCH" if host.kind == "github" else "PUT"
    host.answers[method] = [(404, {}, {"message": "Not Found"})]
    assert post(f"new\n{MARK}\n").word == "created"


@pytest.mark.parametrize(
    ("status", "headers", "slug"),
    [
        (401, {}, "comment-forbidden"),
        (403, {}, "comment-forbidden"),
        (404, {}, "comment-not-found"),
        (410, {}, "comment-not-found"),
        (409, {}, "comment-failed"),
        (422, {}, "comment-failed"),
        (301, {"Location": "http://127.0.0.1:9/x"}, "comment-failed"),
    ],
)
def test_a_refusal_is_final_and_has_its_message(host, waits, status, headers, slug):
    host.answers["POST"] = [(status, headers, {"message": "Resource not accessible"})]
    with pytest.raises(DeliveryError) as caught:
        post()
    assert caught.value.slug == slug
    assert caught.value.exit_code == 8
    assert str(status) in str(caught.value)
    assert waits == []
    assert len(host.asked("POST")) == 1


@pytest.mark.parametrize(
    ("status", "headers", "message", "waited"),
    [
        (429, {"Retry-After": "5"}, "slow down", 5),
        (403, {"Retry-After": "3"}, "slow down", 3),
        (403, {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "0"}, "API rate limit", 0),
        (403, {}, "You have exceeded a secondary rate limit", 2),
        (502, {}, "bad gateway", 2),
    ],
)
def test_a_limit_is_waited_for(host, waits, status, headers, message, waited):
    host.answers["POST"] = [(status, headers, {"message": message})]
    assert post().word == "created"
    assert waits == [waited]


def test_no_more_than_a_minute_is_waited(host, waits):
    host.answers["POST"] = [(429, {"Retry-After": "50"}, {"message": "slow"})] * 4
    with pytest.raises(DeliveryError) as caught:
        post()
    assert caught.value.slug == "comment-rate"
    assert sum(waits) <= 60


NAMES = ["text", None, {}, [], {"login": 7, "username": None}, b"<html>a page</html>"]
LISTS = [7, {}, [7], [{}], [{"id": "1"}], b"<html>a page</html>"]


@pytest.mark.parametrize(
    ("before", "value"), [*((0, one) for one in NAMES), *((1, one) for one in LISTS)], ids=repr
)
def test_an_answer_that_is_not_the_apis_is_told(host, waits, before, value):
    host.add(BODY)
    name = {"login": "bot", "username": "bot"}
    host.answers["GET"] = [(200, {}, name)] * before + [(200, {}, value)] * 4
    with pytest.raises(DeliveryError, match="does not respond like GitHub or GitLab") as caught:
        post()
    assert (caught.value.slug, caught.value.exit_code) == ("comment-failed", 8)
    assert waits == []


@pytest.mark.parametrize("pull", [7, {}, {"number": 4, "iid": 4, "head": None, "sha": None}])
def test_a_request_that_is_not_the_apis_is_told(host, pull):
    host.pulls = [pull]
    with pytest.raises(DeliveryError) as caught:
        post(place=CommentPlace(None, "me:fix", "abc"))
    assert caught.value.slug == "comment-failed"


def test_a_post_that_is_answered_oddly_is_looked_for(host):
    host.answers["POST"], host.taken = [(201, {}, {})], True
    assert post().url.endswith("1")
    host.comments.clear()
    host.answers["POST"], host.taken = [(201, {}, [])], False
    with pytest.raises(DeliveryError, match="not among those"):
        post()


def test_an_endless_failure_of_the_server_ends(host, waits):
    host.answers["POST"] = [(503, {}, {"message": "down"})] * 9
    with pytest.raises(DeliveryError, match="503"):
        post()
    assert waits == [2, 4, 8]


def test_a_post_that_was_taken_and_then_failed_is_not_repeated(host, waits):
    host.answers["POST"], host.taken = [(502, {}, {"message": "bad gateway"})], True
    made = post()
    assert made.word == "created"
    assert len(host.comments) == 1
    assert made.url


def test_the_token_goes_to_one_host_and_into_no_message(host, waits):
    if host.kind == "github":
        link = {"Link": '<http://other.example/next>; rel="next"'}
        host.answers["GET"] = [(200, {}, {"login": "bot"}), (200, link, [])]
        with pytest.raises(DeliveryError) as caught:
            post()
        assert "another host" in str(caught.value)
        assert TOKEN not in str(caught.value)
    name = "authorization" if host.kind == "github" else "private-token"
    post()
    assert all(TOKEN in headers[name] for _, _, headers, _ in host.requests)
    assert TOKEN not in repr(host.requests and [path for _, path, _, _ in host.requests])


def test_a_host_that_is_not_reached_is_told(monkeypatch, host, waits):
    name = "GITHUB_API_URL" if host.kind == "github" else "CI_API_V4_URL"
    monkeypatch.setenv(name, "http://127.0.0.1:9")
    with pytest.raises(DeliveryError, match="no response"):
        post()


def test_the_jobs_own_token_which_may_not_ask_its_name_is_known(host):
    if host.kind != "github":
        pytest.skip("GitLab's project tokens may ask")
    host.user_refused = True
    mine = host.add(BODY, "github-actions[bot]")
    assert post(f"new\n{MARK}\n").word == "updated"
    assert mine["body"] == f"new\n{MARK}\n"


def test_a_request_is_found_by_branch_and_commit(host):
    host.pulls = [
        {"number": 3, "iid": 3, "head": {"sha": "old"}, "sha": "old"},
        {"number": 4, "iid": 4, "head": {"sha": "abc"}, "sha": "abc"},
    ]
    assert post(place=CommentPlace(None, "me:fix", "abc")).word == "created"
    assert "/4/" in host.asked("POST")[0]
    with pytest.raises(DeliveryError, match="0 open pull requests"):
        post(place=CommentPlace(None, "me:fix", "def"))


def test_without_a_host_or_a_token_the_way_out_is_told(monkeypatch):
    for name in ("GITHUB_REPOSITORY", "CI_PROJECT_ID", "GITHUB_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(UsageError, match="no code host") as caught:
        read_host()
    assert caught.value.slug == "comment-host"
    monkeypatch.setenv("GITHUB_REPOSITORY", "octo/repo")
    with pytest.raises(UsageError, match="GITHUB_TOKEN is not set") as caught:
        read_host()
    assert caught.value.slug == "comment-token"


def test_a_report_is_commented_from_its_folder_and_again_from_its_json(host, tmp_path):
    table = tmp_path / "matrix.csv"
    table.write_text(",cat,dog\ncat,40,10\ndog,1,49\n")
    reportgen.render(table, out=tmp_path / "out", summary=True)
    assert reportgen.comment(tmp_path / "out", pull_request=7).word == "created"
    (one,) = host.comments
    assert one["body"] == (tmp_path / "out" / "summary.md").read_text()
    assert reportgen.comment(tmp_path / "out" / "report.json", pull_request=7).word == "unchanged"


def test_a_forks_numbers_are_said_to_be_the_forks(host, tmp_path):
    table = tmp_path / "matrix.csv"
    table.write_text(",cat,dog\ncat,40,10\ndog,1,49\n")
    reportgen.render(table, out=tmp_path / "out")
    host.pulls = [{"number": 4, "iid": 4, "head": {"sha": "abc"}, "sha": "abc"}]
    reportgen.comment(tmp_path / "out", head="me:fix", head_sha="abc")
    assert "Measured in the contributor's run." in host.comments[0]["body"]


@pytest.mark.parametrize("place", [{}, {"pull_request": 1, "head": "a:b"}, {"head": "a:b"}])
def test_a_place_that_is_not_one_is_refused(tmp_path, place):
    with pytest.raises(UsageError) as caught:
        reportgen.comment(tmp_path, **place)
    assert caught.value.slug == "comment-place"


def test_a_body_that_is_too_long_is_refused_before_any_request(host):
    with pytest.raises(DeliveryError) as caught:
        post("\U0001f600" * 40_000 + MARK)
    assert caught.value.slug == "comment-too-large"
    assert host.requests == []


def test_a_report_json_that_is_too_large_is_not_read(monkeypatch, tmp_path):
    from reportgen.api import delivering

    monkeypatch.setattr(delivering, "MOST_BYTES", 10)
    (tmp_path / "report.json").write_text("{" + " " * 20 + "}")
    with pytest.raises(DataError) as caught:
        reportgen.comment(tmp_path / "report.json", pull_request=1)
    assert caught.value.slug == "comment-source-large"


def test_a_comment_is_posted_for_the_verdicts_that_are_named(host, tmp_path):
    table = tmp_path / "matrix.csv"
    table.write_text(",cat,dog\ncat,40,10\ndog,1,49\n")
    reportgen.render(table, out=tmp_path / "out")
    made = reportgen.comment(tmp_path / "out", pull_request=7, if_verdict=["ship", "do-not-ship"])
    assert (made.word, made.verdict, host.comments) == ("skipped", "NO GATES SET", [])
    made = reportgen.comment(tmp_path / "out", pull_request=7, if_verdict="none")
    assert (made.word, len(host.comments)) == ("created", 1)
    with pytest.raises(UsageError, match="--if-verdict"):
        reportgen.comment(tmp_path / "out", pull_request=7, if_verdict="fail")


@pytest.mark.parametrize("text", ["\u00b2", "9" * 5_000, "-1", ""])
def test_a_header_that_is_no_number_tells_no_time(text):
    from reportgen.delivery.http import _seconds

    assert _seconds({"retry-after": text}) is None
    assert _seconds({"x-ratelimit-reset": text}) is None
    assert _seconds({"retry-after": "7"}) == 7.0
