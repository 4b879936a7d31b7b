"""JSON read, written and described by annotations: what is wrong names its place and its value."""

from typing import TYPE_CHECKING

from reportgen.lazy import lazy_names

if TYPE_CHECKING:
    from reportgen.jsonio.annotations import (
        NOT_IN_JSON,
        Cell,
        ClassIndex,
        ClassNumber,
        Flat,
        Form,
        Key,
        OmitNone,
        Via,
        codec_of,
        element_texts,
        read_record,
        read_value,
        write_value,
    )
    from reportgen.jsonio.codecs import Codec, Definitions, Schema, written
    from reportgen.jsonio.places import (
        MOST,
        TOLERANCE,
        Contradiction,
        Ends,
        Fault,
        Interval,
        Json,
        OneOf,
        Place,
        Positive,
        Range,
        Reading,
        Share,
        ShareInterval,
        Signed,
        agree,
        damage_told,
        shown,
    )
    from reportgen.jsonio.texts import ElementTexts, number_texts, object_texts, string_texts
    from reportgen.jsonio.unknown import Unknown, restore_unknown

__all__ = [
    "MOST",
    "NOT_IN_JSON",
    "TOLERANCE",
    "Cell",
    "ClassIndex",
    "ClassNumber",
    "Codec",
    "Contradiction",
    "Definitions",
    "ElementTexts",
    "Ends",
    "Fault",
    "Flat",
    "Form",
    "Interval",
    "Json",
    "Key",
    "OmitNone",
    "OneOf",
    "Place",
    "Positive",
    "Range",
    "Reading",
    "Schema",
    "Share",
    "ShareInterval",
    "Signed",
    "Unknown",
    "Via",
    "agree",
    "codec_of",
    "damage_told",
    "element_texts",
    "number_texts",
    "object_texts",
    "read_record",
    "read_value",
    "restore_unknown",
    "shown",
    "string_texts",
    "write_value",
    "written",
]

__getattr__ = lazy_names(
    __name__,
    {
        "annotations": (
            "Cell ClassIndex ClassNumber Flat Form Key NOT_IN_JSON OmitNone Via "
            "codec_of element_texts read_record read_value write_value"
        ),
        "codecs": "Codec Definitions Schema written",
        "places": (
            "Contradiction Ends Fault Interval Json MOST OneOf Place Positive Range "
            "Reading Share ShareInterval Signed TOLERANCE agree damage_told shown"
        ),
        "texts": "ElementTexts number_texts object_texts string_texts",
        "unknown": "Unknown restore_unknown",
    },
)
