from typing import Any, Final
from urllib.parse import urlencode

from django import forms
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html_join

from core_identity.admin_kit.base import CoreAdmin
from core_identity.admin_kit.forms import WrittenByService
from core_identity.admin_kit.seen import link_to
from core_identity.models import Customer
from core_identity.selectors.counts import MOST, users_of_customers
from core_identity.services.customers import save_customer
from core_identity.support_contact import FIELDS
from core_identity.templatetags.core_pages import or_more

CONTACT: Final = tuple(f"support_{name}" for name in FIELDS)
WHERE_SHOWN: Final = (
    "The help desk of this customer. People see it when their sign-in is refused, and on the page about themselves. "
    "Enter a help desk, not a private number. Leave all of it empty if there is none."
)


class CustomerForm(WrittenByService, forms.ModelForm):
    class Meta:
        model = Customer
        fields = ("name", *CONTACT)

    def write(self) -> Customer:
        return save_customer(
            actor=self.actor,
            customer_id=None if self.instance._state.adding else self.instance.pk,
            name=self.cleaned_data["name"],
            contact={name: self.cleaned_data[f"support_{name}"] for name in FIELDS},
        )


@admin.register(Customer)
class CustomerAdmin(CoreAdmin):
    form = CustomerForm
    list_display = ("name", "connection_names", "people")
    search_fields = ("name_key",)
    search_help_text = "By name."
    empty_list = "No customer yet. Create one, and then a connection to its identity provider."

    def get_queryset(self, request: HttpRequest) -> QuerySet[Customer]:
        customers: QuerySet[Customer] = super().get_queryset(request)
        return customers.prefetch_related("connections")

    def about_rows(self, request: HttpRequest, rows: list[Any]) -> None:
        counted = users_of_customers([one.pk for one in rows])
        for one in rows:
            one.heads = counted[one.pk]

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        return [
            (None, {"fields": ("name", "connection_links", "people") if obj else ("name",)}),
            ("Support contact", {"fields": CONTACT, "description": WHERE_SHOWN}),
        ]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return ("connection_links", "people")

    @admin.display(description="connections", empty_value="none yet")
    def connection_names(self, customer: Customer) -> str:
        return ", ".join(connection.name for connection in customer.connections.all())

    @admin.display(description="connections")
    def connection_links(self, customer: Customer) -> str:
        links = [
            (
                link_to(
                    customer, "connection", reverse("admin:core_identity_connection_overview", args=[one.pk]), one.name
                ),
            )
            for one in customer.connections.all()
        ]
        return format_html_join(", ", "{}", links) or "none yet"

    @admin.display(description="users")
    def people(self, customer: Customer) -> str:
        known: int | None = getattr(customer, "heads", None)  # by about_rows
        heads = users_of_customers([customer.pk])[customer.pk] if known is None else known
        url = f"{reverse('admin:core_identity_user_changelist')}?{urlencode({'customer': customer.name})}"
        return link_to(customer, "user", url, or_more(heads, MOST))
