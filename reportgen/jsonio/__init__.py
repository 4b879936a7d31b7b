"""JSON read, written and described by annotations: errors give the location and the value."""

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
        OmitDefault,
        OmitNone,
        Via,
        codec_of,
        element_texts,
        read_record,
        read_value,
        write_value,
    )
    from reportgen.jsonio.codecs import Codec, Definitions, Schema, write_plain
    from reportgen.jsonio.literals import literal
    from reportgen.jsonio.paths import (
        MOST,
        TOLERANCE,
        Contradiction,
        Ends,
        Fault,
        Interval,
        Json,
        JsonPath,
        OneOf,
        Positive,
        Range,
        Reading,
        Share,
        ShareInterval,
        Signed,
        agree,
        describe_value,
        translate_faults,
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
    "JsonPath",
    "Key",
    "OmitDefault",
    "OmitNone",
    "OneOf",
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
    "describe_value",
    "element_texts",
    "literal",
    "number_texts",
    "object_texts",
    "read_record",
    "read_value",
    "restore_unknown",
    "string_texts",
    "translate_faults",
    "write_plain",
    "write_value",
]

__getattr__ = lazy_names(
    __name__,
    {
        "annotations": (
            "Cell ClassIndex ClassNumber Flat Form Key NOT_IN_JSON OmitDefault OmitNone Via "
            "codec_of element_texts read_record read_value write_value"
        ),
        "codecs": "Codec Definitions Schema write_plain",
        "literals": "literal",
        "paths": (
            "Contradiction Ends Fault Interval Json MOST OneOf JsonPath Positive Range "
            "Reading Share ShareInterval Signed TOLERANCE agree translate_faults describe_value"
        ),
        "texts": "ElementTexts number_texts object_texts string_texts",
        "unknown": "Unknown restore_unknown",
    },
)
