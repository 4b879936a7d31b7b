"""Delivers finished reports to readers: each delivery reads files that are already on disk."""

from typing import TYPE_CHECKING

from reportgen.lazy import lazy_names

if TYPE_CHECKING:
    from reportgen.delivery.comment import Comment, CommentPlace, post_comment, read_host
    from reportgen.delivery.github_actions import announce
    from reportgen.delivery.mail import (
        Envelope,
        Login,
        Sent,
        SmtpServer,
        envelope_of,
        read_login,
        read_server,
        send_mail,
        sent_form,
    )

__all__ = [
    "Comment",
    "CommentPlace",
    "Envelope",
    "Login",
    "Sent",
    "SmtpServer",
    "announce",
    "envelope_of",
    "post_comment",
    "read_host",
    "read_login",
    "read_server",
    "send_mail",
    "sent_form",
]

__getattr__ = lazy_names(
    __name__,
    {
        "comment": "Comment CommentPlace post_comment read_host",
        "github_actions": "announce",
        "mail": (
            "Envelope Login Sent SmtpServer envelope_of read_login read_server send_mail sent_form"
        ),
    },
)
