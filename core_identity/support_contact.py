"""The values of a support contact: the help desk of a customer. Pages show it to people, so each value is checked before it is stored."""

from typing import Final

from django.core.exceptions import ValidationError
from django.core.validators import RegexValidator, URLValidator
from django.utils.deconstruct import deconstructible

FIELDS: Final = ("name", "email", "phone", "url")
"""The values of a contact. Each may be empty."""

LONGEST: Final = {"name": 100, "email": 254, "phone": 40, "url": 500}
SCHEMES: Final = ("https", "http")
MARKUP: Final = frozenset("<>\"'`\\")
"""Characters that an address never needs unescaped, and that could end an attribute of a page."""


@deconstructible
class WebAddress(URLValidator):
    """Only addresses of web pages: a link to any other scheme, such as ``javascript:``, could run a script on our page."""

    message = "Enter the address of a web page, such as https://help.acme.com."

    def __init__(self) -> None:
        super().__init__(schemes=list(SCHEMES))

    def __call__(self, value: str | None) -> None:
        if MARKUP & set(value or ""):
            raise ValidationError(self.message, code=self.code)
        super().__call__(value)


PHONE: Final = RegexValidator(
    r"^\+?[0-9][0-9 ()./-]{1,38}\Z",
    "Enter a telephone number, such as +44 20 7946 0000: digits, spaces and ( ) . / - only.",
)
