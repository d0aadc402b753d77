"""Names are shown in lists, mails and terminals: nothing in them may move a cursor or turn the line around."""

from django.core.validators import RegexValidator

# No control characters (C0, DEL, C1), line and paragraph separators, or marks that change the direction of text.
one_line = RegexValidator(
    r"^[^\u0000-\u001f\u007f-\u009f\u200e\u200f\u2028-\u202e\u2066-\u2069]*\Z",
    "A name is one line, without control characters.",
)
