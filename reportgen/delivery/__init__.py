"""From the written report to its readers: each delivery reads files that stand on disk already."""

from typing import TYPE_CHECKING

from reportgen.lazy import lazy_names

if TYPE_CHECKING:
    from reportgen.delivery.comment import Comment, CommentPlace, post_comment, read_host
    from reportgen.delivery.github_actions import announce

__all__ = [
    "Comment",
    "CommentPlace",
    "announce",
    "post_comment",
    "read_host",
]

__getattr__ = lazy_names(
    __name__,
    {
        "comment": "Comment CommentPlace post_comment read_host",
        "github_actions": "announce",
    },
)
