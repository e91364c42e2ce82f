"""Messages of clients and our answers are kept for a short time, without secrets, and are erased with the person (R34, R35)."""

import json
from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

import pytest
from django.conf import LazySettings
from django.db import connection as database
from pytest_django.fixtures import DjangoAssertNumQueries

from core_identity.lookup_keys import lookup_key, named_any
from core_identity.models import Identity
from core_identity.services.erasure import erase
from core_identity.services.expiry import expire
from scim.log.payloads import MAX_PAYLOAD, WITHHELD
from scim.models import Payload, ProvisioningRecord
from tests.scim.conftest import ENTERPRISE, Scim, person
from tests.scim.wire.test_redaction import BODIES, FILTERS, SECRET, TOKEN
from tests.support.cast import ADMIN, COMMAND

UID = {ENTERPRISE: {"UID": "jane.doe"}}


def last() -> tuple[ProvisioningRecord, Payload | None]:
    record = ProvisioningRecord.objects.latest("id")
    return record, Payload.objects.filter(pk=record.pk).first()


def payload() -> Payload:
    kept = last()[1]
    assert kept is not None
    return kept


def stored() -> str:
    return json.dumps([*ProvisioningRecord.objects.values(), *Payload.objects.values()], default=str)


def test_request_and_response_are_kept_beside_the_row_R35(okta: Scim) -> None:
    sent = {**person(), "externalId": "00u1", "password": SECRET, **UID}
    answer = okta.post("/Users?attributes=userName", sent)
    kept = payload()
    assert json.loads(kept.sent) == {**sent, "password": "(removed)"}
    assert list(json.loads(kept.sent)) == list(sent)
    assert json.loads(kept.answered) == answer.json()
    assert json.loads(kept.query) == {"attributes": "userName"}
    assert kept.at == last()[0].at


def test_a_refusal_has_the_sentence_that_the_client_was_given_and_its_cause_R35(okta: Scim) -> None:
    okta.make(externalId="00u1", **UID)
    answer = okta.post("/Users", {**person("jill@acme.test"), "emails": person()["emails"]})
    record, kept = last()
    assert kept is not None
    assert answer.status_code == 409
    assert answer.json()["detail"].startswith(record.sentence)
    assert (record.cause, record.decision) == ("email", "uniqueness")
    assert json.loads(kept.answered) == {**answer.json(), "detail": record.sentence}
    causes = []
    for body in ({**person(), "externalId": "00u1"}, {"userName": ""}, {**person(), "active": "maybe"}):
        okta.post("/Users", body)
        causes.append(last()[0].cause)
    assert causes == ["duplicate", "invalid_value", "invalid_value"]
    okta.get("/Users/nobody")
    assert last()[0].sentence == "There is no resource with the id 'nobody' in this connection."


def test_lists_keep_ids_only_and_discovery_nothing_R35(okta: Scim) -> None:
    user_ids = [okta.make(f"p{number}@acme.test")["id"] for number in range(3)]
    for path in ("/Users", "/.search"):
        okta.get(path) if path == "/Users" else okta.post(
            path, {"schemas": ["urn:ietf:params:scim:api:messages:2.0:SearchRequest"]}
        )
        kept = json.loads(payload().answered)
        assert (kept["totalResults"], kept["Resources"]) == (3, [{"id": one} for one in user_ids])
        assert "acme.test" not in payload().answered
    okta.get("/Schemas")
    assert payload().answered == ""


def test_a_look_up_that_finds_one_person_is_a_row_of_that_person_R35(okta: Scim) -> None:
    resource = okta.make()
    okta.get("/Users", filter='userName eq "jane.doe@acme.test"')
    record, kept = last()
    assert kept is not None
    assert str(record.resource_id) == resource["id"]
    assert json.loads(kept.query) == {"filter": 'userName eq "jane.doe@acme.test"'}


@pytest.mark.parametrize(
    "body",
    [one for one in BODIES.values() if isinstance(one, dict)],
    ids=[name for name, one in BODIES.items() if isinstance(one, dict)],
)
def test_no_secret_of_a_request_is_stored_anywhere_R34(okta: Scim, body: dict[str, Any]) -> None:
    resource = okta.make()
    okta.token, real = okta.token, okta.token
    for method, path, more in (
        ("POST", "/Users", person("x@acme.test")), ("PUT", f"/Users/{resource['id']}", person()), ("PATCH", f"/Users/{resource['id']}", {}),
        ("POST", "/Groups", {"displayName": "x"}), ("POST", "/Users/.search", {}), ("POST", "/.search", {}), ("POST", "/Bulk", {}),
        ("POST", "/Users", {"userName": body}), ("POST", "/Users", {**person(), "active": body}), ("POST", "/Users", {**person(), "emails": body}),
        ("PATCH", f"/Users/{resource['id']}", {"Operations": [{"op": "replace", "path": "active", "value": body}]}),
        ("PATCH", f"/Users/{resource['id']}", {"Operations": body}), ("POST", "/Groups", {"displayName": "y", "members": [body]}),
    ):  # fmt: skip
        okta.send(method, path, {**body, **more})
    bulk = {"schemas": ["urn:ietf:params:scim:api:messages:2.0:BulkRequest"], "Operations": [
        {"method": "POST", "path": "/Users", "bulkId": "one", "data": {**body, **person("y@acme.test")}},
        {"method": "PATCH", "path": f"/Users/{resource['id']}", "data": body},
    ]}  # fmt: skip
    okta.post("/Bulk", bulk)
    assert ProvisioningRecord.objects.count() > 12
    kept = stored().replace(TOKEN + SECRET, "") if TOKEN + SECRET in json.dumps(body) else stored()
    assert SECRET not in kept
    assert real not in kept


@pytest.mark.parametrize("text", FILTERS)
@pytest.mark.parametrize("path", ["/Users", "/Groups"])
def test_no_secret_of_an_address_is_stored_anywhere_R34(okta: Scim, path: str, text: str) -> None:
    okta.get(path, filter=text)
    okta.get(path, Filter=text, access_token=SECRET, password=SECRET, **{SECRET: "x"})
    okta.get(
        f"{path}?{urlencode({'filter': text})}&sortBy=password%20{SECRET}&attributes=password,{SECRET}&count={SECRET}&cursor={SECRET}"
    )
    kept = stored().replace(TOKEN + SECRET, "")
    assert ProvisioningRecord.objects.count() == 3
    assert SECRET not in kept.replace(f'\\"count\\": \\"{SECRET}\\"', "").replace(f"not '{SECRET}'", "")


@pytest.mark.parametrize(
    "body",
    [
        b'{"password": "hunter2"', b'{"userName": "a", "USERNAME": "hunter2"}', b'{"a": NaN, "password": "hunter2"}',
        b"password=hunter2", b'["hunter2"]', b'"hunter2"', b"[" * 5000 + b'"hunter2"', b"\xff\xfe" + b"hunter2",
        b'{"a":' * 40 + b'"hunter2"' + b"}" * 40,
    ],
)  # fmt: skip
def test_a_body_that_does_not_parse_is_not_kept_R34(okta: Scim, body: bytes) -> None:
    resource = okta.make()
    for method, path in (
        ("POST", "/Users"),
        ("PUT", f"/Users/{resource['id']}"),
        ("PATCH", f"/Users/{resource['id']}"),
        ("POST", "/Bulk"),
    ):
        okta.send(method, path, body)
        assert payload().sent == ""
    assert SECRET not in stored()


@pytest.mark.parametrize("text", ["a\0b", "\ud800", "\u202e", "'; --", "{1,2}", "x" * 100_000, '"', "\\"])
def test_values_too_long_for_a_column_lose_no_row_R35(okta: Scim, text: str) -> None:
    okta.post("/Users", {**person(), "title": text, "nickName": text, text: text})
    okta.get("/Users", filter=f'userName eq "{text.encode("utf-8", "replace").decode()}"')
    okta.get("/Users/y")
    assert ProvisioningRecord.objects.count() == 3
    assert len(payload().sent) <= MAX_PAYLOAD


def test_a_stranger_leaves_no_payload_and_no_name_R34(okta: Scim) -> None:
    okta.token = "wrong"
    okta.post("/Users?filter=" + SECRET, {**person(), "title": SECRET})
    record, kept = last()
    assert (kept, record.keys, record.sentence, record.status) == (None, [], "", 401)


def test_a_sentence_that_quotes_a_secret_is_withheld_R34(okta: Scim) -> None:
    okta.post("/Users", {**person(), "active": {"password": "geheim77"}})
    record, kept = last()
    assert record.status == 400
    assert record.sentence == WITHHELD
    assert kept is not None
    assert json.loads(kept.answered)["detail"] == WITHHELD
    assert "geheim77" not in stored()


@pytest.mark.parametrize("path", ["/Users/{}", "/Groups/{}", "/Schemas/{}", "/ResourceTypes/{}"])
@pytest.mark.parametrize("text", ["eyJhbGciOiJub25lIn0.geheim77", "password=geheim77", "Basic geheim77geheim77"])
def test_a_sentence_that_quotes_a_secret_of_the_path_is_withheld_R34(okta: Scim, path: str, text: str) -> None:
    assert okta.get(path.format(text)).status_code == 404
    assert last()[0].sentence == WITHHELD
    assert "geheim77" not in stored()


def test_each_operation_of_bulk_has_its_payload_and_the_message_only_an_outline_R35(okta: Scim) -> None:
    operation = {"method": "POST", "path": "/Users", "bulkId": "one", "data": {**person(), "password": SECRET}}
    okta.post("/Bulk", {"schemas": ["urn:ietf:params:scim:api:messages:2.0:BulkRequest"], "Operations": [operation]})
    inner, outer = [json.loads(one.sent) for one in Payload.objects.order_by("record_id")]
    assert inner == {**person(), "password": "(removed)"}
    assert outer["Operations"] == [{"method": "POST", "path": "/Users", "bulkId": "one"}]
    assert "response" not in payload().answered


@pytest.mark.parametrize("days", [7, 0])
def test_row_and_payload_are_one_statement_R35(
    okta: Scim, settings: LazySettings, days: int, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    settings.PAYLOAD_LOG_DAYS = days
    okta.get("/Schemas")
    with django_assert_num_queries(2) as queries:
        okta.get("/Schemas")
    assert [one["sql"].split()[0] for one in queries.captured_queries] == ["SELECT", "WITH"]
    assert (last()[1] is not None) is bool(days)
    okta.make()
    assert lookup_key("jane.doe@acme.test") in last()[0].keys


def test_a_row_is_found_by_each_name_and_by_a_member_through_an_index_R35(okta: Scim) -> None:
    resource = okta.make(**{"externalId": "00u1", **UID, "emails": [{"value": "post@acme.test", "type": "work"}]})
    okta.post("/Groups", {"displayName": "Writers", "members": [{"value": resource["id"], "display": "Jane"}]})
    for name, number in (
        ("JANE.DOE@acme.test", 1),
        ("00u1", 1),
        (" jane.doe", 1),
        ("post@acme.test", 1),
        (resource["id"], 2),
        ("Writers", 1),
        ("nobody", 0),
    ):
        assert ProvisioningRecord.objects.filter(named_any([name])).count() == number, name
    with database.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute(
            "EXPLAIN SELECT id FROM scim_provisioningrecord WHERE keys @> ARRAY[%s::bigint]", [lookup_key("x")]
        )
        assert "provisioning_by_key" in str(cursor.fetchall())


# Erase

TRACES = ("jane", "doe", "00u1", "post@", "Dr.")


def _pushed(okta: Scim, resource: dict[str, Any]) -> None:
    okta.put(f"/Users/{resource['id']}", {**person(), "externalId": "00u1", "honorific": "Dr."})


def _patched(okta: Scim, resource: dict[str, Any]) -> None:
    okta.patch(f"/Users/{resource['id']}", {"op": "replace", "path": "name.honorificPrefix", "value": "Dr."})


def _read(okta: Scim, resource: dict[str, Any]) -> None:
    okta.get(f"/Users/{resource['id']}")


def _listed(okta: Scim, resource: dict[str, Any]) -> None:
    okta.get("/Users", filter='emails[type eq "work" and value eq "post@acme.test"]')


def _as_member(okta: Scim, resource: dict[str, Any]) -> None:
    okta.post("/Groups", {"displayName": "Writers", "members": [{"value": resource["id"], "display": "Jane Doe"}]})


def _as_member_by_patch(okta: Scim, resource: dict[str, Any]) -> None:
    group = okta.post("/Groups", {"displayName": "Writers"}).json()["id"]
    okta.patch(
        f"/Groups/{group}",
        {"op": "add", "path": "members", "value": [{"value": resource["id"], "display": "Jane Doe"}]},
    )
    okta.patch(f"/Groups/{group}", {"op": "remove", "path": f'members[value eq "{resource["id"]}"]'})
    okta.get(f"/Groups/{group}")


def _refused_by_name(okta: Scim, resource: dict[str, Any]) -> None:
    okta.post("/Users", {**person("JANE.doe@acme.test"), "externalId": "00u7", "name": {"givenName": "Jane"}})


def _refused_by_email(okta: Scim, resource: dict[str, Any]) -> None:
    okta.post(
        "/Users", {"userName": "x@acme.test", "emails": [{"value": "POST@acme.test"}], "name": {"familyName": "Doe"}}
    )


def _refused_by_uid(okta: Scim, resource: dict[str, Any]) -> None:
    okta.post(
        "/Users", {"userName": "x@acme.test", "externalId": "00u9", ENTERPRISE: {"UID": "Jane.Doe"}, "title": "Doe's"}
    )


def _refused_filter(okta: Scim, resource: dict[str, Any]) -> None:
    okta.get("/Users", filter='userName eq "jane.doe@acme.test" nonsense')
    okta.get("/Users", filter="userName eq jane.doe@acme.test")
    okta.get("/Users/jane.doe@acme.test")


def _in_bulk(okta: Scim, resource: dict[str, Any]) -> None:
    operation = {"method": "PATCH", "path": f"/Users/{resource['id']}", "bulkId": "jane.doe@acme.test", "data": {
        "Operations": [{"op": "replace", "value": {"title": "Doe's"}}]}}  # fmt: skip
    okta.post("/Bulk", {"schemas": ["urn:ietf:params:scim:api:messages:2.0:BulkRequest"], "Operations": [operation]})


@pytest.mark.parametrize(
    "request_of",
    [_pushed, _patched, _read, _listed, _as_member, _as_member_by_patch, _refused_by_name, _refused_by_email, _refused_by_uid,
     _refused_filter, _in_bulk],
)  # fmt: skip
def test_erasing_a_person_removes_them_from_every_payload_and_sentence_R34(
    okta: Scim, other: Scim, request_of: Callable[[Scim, dict[str, Any]], None]
) -> None:
    resource = okta.make(
        **{"externalId": "00u1", **UID, "emails": [{"value": "post@acme.test", "type": "work", "primary": True}]}
    )
    zoe = okta.make("zoe.roth@acme.test")
    request_of(okta, resource)
    theirs = other.make(**UID)
    before = stored()
    assert any(trace in before for trace in TRACES)
    user = Identity.objects.get(scim_id=resource["id"]).user
    expire(actor=ADMIN, user_id=user.pk, reason="left")
    erase(actor=COMMAND, user_id=user.pk, reason="request 4711")
    left = ProvisioningRecord.objects.filter(connection_id=okta.connection.pk)
    text = json.dumps([*left.values(), *Payload.objects.filter(pk__in=left.values("pk")).values()], default=str)
    assert [
        text[max(0, text.lower().index(trace.lower()) - 200) :][:300]
        for trace in TRACES
        if trace.lower() in text.lower()
    ] == []
    assert "zoe.roth@acme.test" in text, "another person's payload stays"
    assert zoe["id"] in text
    kept = Payload.objects.filter(
        pk__in=ProvisioningRecord.objects.filter(connection_id=other.connection.pk).values("pk")
    )
    assert "jane.doe" in kept.get().sent, "another customer's person of the same name stays"
    assert theirs["id"] in kept.get().answered
