import uuid

from django.db import models

from core_identity.support_contact import FIELDS, LONGEST, PHONE, WebAddress
from core_identity.write_guard import GuardedModel


class Customer(GuardedModel):
    """The owner of connections and users. Matching and uniqueness are within one customer (R1).

    The support contact is the customer's help desk: pages show it to people who cannot sign in.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    name = models.CharField(max_length=255)
    name_key = models.CharField(max_length=255, unique=True, editable=False)
    support_name = models.CharField(
        max_length=LONGEST["name"], blank=True, default="", db_default="", help_text="For example: Acme IT help desk."
    )
    support_email = models.EmailField(max_length=LONGEST["email"], blank=True, default="", db_default="")
    support_phone = models.CharField(
        max_length=LONGEST["phone"], blank=True, default="", db_default="", validators=[PHONE]
    )
    support_url = models.CharField(
        "support web page",
        max_length=LONGEST["url"],
        blank=True,
        default="",
        db_default="",
        validators=[WebAddress()],
        help_text="For example: https://help.acme.com.",
    )
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ("name_key",)
        constraints = (
            models.CheckConstraint(
                condition=models.Q(support_url="") | models.Q(support_url__regex=r"^https?://"),
                name="customer_support_url_is_a_web_page",
            ),
        )

    def __str__(self) -> str:
        return self.name

    @property
    def support_contact(self) -> dict[str, str]:
        """The values that are not empty, by the names of `FIELDS`; empty if the customer has no contact."""
        values = {field: getattr(self, f"support_{field}") for field in FIELDS}
        return {field: value for field, value in values.items() if value}
