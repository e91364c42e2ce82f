from typing import Any
import re
import pytest
from django.db import connection as database
from django.test.utils import CaptureQueriesContext
from tests.scim.conftest import ENTERPRISE, Scim, person


@pytest.mark.django_db(transaction=True)
def test_show(okta: Scim) -> None:
    okta.get("/Users")
    body = {**person(), "externalId": "e1", ENTERPRISE: {"UID": "u1"}}
    def show(name: str, work: Any) -> Any:
        with CaptureQueriesContext(database) as c:
            a = work()
        print("=====", name, a.status_code, len(c.captured_queries), a.headers.get("X-Decision"))
        for q in c.captured_queries:
            s = q["sql"]
            s = re.sub(r"^SELECT .*? FROM", "SELECT … FROM", s)
            print("   ", s[:230].replace("\n", " "))
        return a
    made = show("create", lambda: okta.post("/Users", body)).json()
    p = f"/Users/{made['id']}"
    show("get", lambda: okta.get(p))
    show("put unchanged", lambda: okta.put(p, body))
    show("put changed", lambda: okta.put(p, {**body, "title": "x"}))
    show("patch", lambda: okta.patch(p, {"op": "replace", "path": "title", "value": "Other"}))
    show("patch unchanged", lambda: okta.patch(p, {"op": "replace", "path": "title", "value": "Other"}))
    show("rename", lambda: okta.put(p, {**body, "userName": "a@b.test"}))
    show("deactivate", lambda: okta.patch(p, {"op": "replace", "value": {"active": False}}))
    show("reactivate", lambda: okta.patch(p, {"op": "replace", "value": {"active": True}}))
    show("delete", lambda: okta.delete(p))
