"""The file of an IdP's metadata, as a form of ours takes it."""

from typing import Any, Final

from django import forms

LONGEST: Final = 1024 * 1024


def text_of(file: Any) -> str:
    """Return the content of an uploaded file. Raise `ValidationError` if it is too large or is not text."""
    if file.size > LONGEST:
        raise forms.ValidationError("This file is too large for metadata.")
    try:
        text: str = file.read().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise forms.ValidationError("This file is not text in UTF-8. Choose the XML file of the metadata.") from error
    return text
