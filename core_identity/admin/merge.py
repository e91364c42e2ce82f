"""Merge two users who are one person: choose, preview, merge (R11)."""

from typing import Any

from django import forms
from django.http import HttpRequest

from core_identity.admin.ended_grants import ConfirmsEndedGrants
from core_identity.admin_kit.forms import ReasonForm
from core_identity.admin_kit.pages import RowPage
from core_identity.errors import IdentityError
from core_identity.models import User
from core_identity.selectors.users import find_user
from core_identity.services.merge import MergePlan, merge, plan_merge

KEEP_THIS, KEEP_OTHER = "this", "other"


class MergeForm(ConfirmsEndedGrants, ReasonForm):
    """The first step asks for the other user. The second step previews the merge and asks for a reason. Only a previewed merge is done."""

    other = forms.CharField(
        label="The other user",
        max_length=255,
        help_text="Username, email, UID, userName or id of the user who is the same person.",
        widget=forms.TextInput(attrs={"class": "vTextField", "autocomplete": "off"}),
    )
    keep = forms.ChoiceField(label="Which user to keep", widget=forms.RadioSelect)
    field_order = ("other", "keep", "reason")

    def __init__(self, request: HttpRequest, *, user: User) -> None:
        form_data = request.POST or request.GET
        named, keep = form_data.get("other", "").strip(), form_data.get("keep", KEEP_THIS)
        self.plan: MergePlan | None = None
        self.fault = ""
        choices: list[tuple[str, str]] = []
        if named:
            try:
                other = find_user(named)
                kept, gone = (other, user) if keep == KEEP_OTHER else (user, other)
                self.plan = plan_merge(kept_id=kept.pk, gone_id=gone.pk)
                choices = [(KEEP_THIS, str(user)), (KEEP_OTHER, str(other))]
            except IdentityError as refused:
                self.fault = refused.message
        shown = self.plan is not None and request.POST.get("shown") == str(self.plan.kept.pk)
        super().__init__(request, decided=shown, initial={"other": named, "keep": keep})
        if self.plan is None:
            del self.fields["reason"]
            del self.fields["keep"]
        else:
            self.fields["keep"].choices = choices  # type: ignore[attr-defined]

    def write(self) -> User:
        assert self.plan is not None  # noqa: S101 - without one nothing was shown
        plan, reason = self.plan, self.cleaned_data["reason"]
        return merge(actor=self.actor, kept_id=plan.kept.pk, gone_id=plan.gone.pk, reason=reason)


class MergePage(RowPage):
    name = "merge"
    title = "Merge {row} with another user"
    form_class = MergeForm
    template_name = "admin/core_identity/user/merge.html"
    done = "The two users are merged into {written}."

    def next_page(self, form: MergeForm) -> str:
        return self.page_of(form.written)

    def facts(self, form: MergeForm) -> dict[str, Any]:
        return {"plan": form.plan}
