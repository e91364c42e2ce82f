"""Read PatchOp messages (RFC 7644 section 3.5.2).

Every form that Okta, Entra and the RFC use becomes one list of operations.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final, Literal

from scim.wire import urns
from scim.wire.attributes import ResourceType, Schema, Target
from scim.wire.errors import InvalidPath, InvalidSyntax, InvalidValue, Mutability, NoTarget, shown
from scim.wire.filter import Filter, Path, parse_path
from scim.wire.matching import require_understood
from scim.wire.resource_types import PASSWORD
from scim.wire.values import coerce

MAX_OPERATIONS: Final = 10_000

Op = Literal["add", "remove", "replace"]
_OPS: Final[dict[str, Op]] = {"add": "add", "remove": "remove", "replace": "replace"}


@dataclass(frozen=True, slots=True)
class Operation:
    """One change of one attribute.

    ``value`` has the type of the attribute (of ``target.sub``, if there is one); None: no value.
    """

    op: Op
    target: Target
    selector: Filter | None = None
    value: Any = None


def parse_patch(body: object, resource_type: ResourceType) -> Iterator[Operation]:
    """Yield the operations of a PatchOp message in their order.

    Raises `InvalidSyntax`, `InvalidPath`, `InvalidValue`, `NoTarget` (a removal without path) or `Mutability` (an
    explicit path to what is read-only). An operation without path may contain read-only and unknown attributes, which are
    passed over: Okta repeats ``id``, Entra ``schemas``. Attributes of an unknown extension are passed over everywhere.
    """
    for op, path, value in raw_operations(body):
        if path is not None:
            yield from _at_path(op, path, value, resource_type, explicit=True)
        elif op == "remove":
            raise NoTarget("A remove operation needs a path.")
        elif not isinstance(value, dict):
            raise InvalidValue(f"An operation without a path needs an object as its value, not {shown(value)}.")
        else:
            for name, inner in value.items():
                yield from _at_path(op, name, inner, resource_type, explicit=False)


def raw_operations(body: object) -> Iterator[tuple[Op, str | None, Any]]:
    """Yield (op, path or None, value) as sent, the op in lower case (Entra writes ``Add``). Raises `InvalidSyntax`, `InvalidValue`."""
    if not isinstance(body, dict):
        raise InvalidSyntax("The body must be a PatchOp message as a JSON object.")
    message = {name.lower(): value for name, value in body.items()}
    schemas = message.get("schemas")
    if schemas is not None and not urns.names_message(schemas, urns.PATCH_OP):
        raise InvalidSyntax(f"schemas of a PATCH must be [{urns.PATCH_OP}].")
    operations = message.get("operations")
    if not isinstance(operations, list) or not operations:
        raise InvalidSyntax("A PATCH needs a list of Operations that is not empty.")
    if len(operations) > MAX_OPERATIONS:
        raise InvalidSyntax(f"A PATCH may have at most {MAX_OPERATIONS} operations.")
    for operation in operations:
        if not isinstance(operation, dict):
            raise InvalidSyntax(f"Each of the Operations must be an object, not {shown(operation)}.")
        parts = {name.lower(): value for name, value in operation.items()}
        op, path = parts.get("op"), parts.get("path")
        name = _OPS.get(op.strip().lower()) if isinstance(op, str) else None
        if name is None:
            raise InvalidSyntax(f"op must be add, remove or replace, not {shown(op)}.")
        if path is not None and not isinstance(path, str):
            raise InvalidPath(f"path must be a text, not {shown(path)}.")
        # RFC 7644 section 3.5.2.1: null empties the attribute, an absent value is a mistake.
        if name != "remove" and "value" not in parts:
            raise InvalidValue(f"An operation to {name} needs a value.")
        yield name, (path or None), parts.get("value")


def named_attributes(body: object, resource_type: ResourceType) -> frozenset[str]:
    """Return the keys of all attributes in the operations, also of operations that change nothing. Raises what `raw_operations` raises."""
    keys: set[str] = set()
    for _, path, value in raw_operations(body):
        if path is not None:
            keys.update(_keys_at(path, value, resource_type))
        elif isinstance(value, dict):
            keys.update(name for inner in value for name in _keys_at(inner, value[inner], resource_type))
    return frozenset(keys)


def _keys_at(path: str, value: Any, resource_type: ResourceType) -> Iterator[str]:
    schema = resource_type.schema(path)
    if schema is None:
        target = resource_type.find(path.strip())
        if target is not None:
            yield target.key
        return
    names = value if isinstance(value, dict) else [one.name for one in schema.attributes]
    for name in names:
        target = resource_type.find(f"{schema.urn}:{name}") or resource_type.find(name)
        if target is not None:
            yield target.key


def _at_path(op: Op, text: str, value: Any, resource_type: ResourceType, *, explicit: bool) -> Iterator[Operation]:
    """Yield the operations at one path. ``explicit``: the client sent it as a path, so an unknown or read-only attribute is an error."""
    schema = resource_type.schema(text)
    if schema is not None:
        yield from _at_schema(op, schema, value, resource_type)
        return
    if resource_type.is_foreign(text):
        return  # as in a POST or PUT: one attribute that only others know must not block the rest
    path = parse_path(text) if explicit or "[" in text else None
    target = _target(path, text, resource_type, explicit=explicit)
    if target is None or not _is_writable(target, explicit=explicit):
        return
    selector = path.condition if path else None
    if selector is not None:
        _check_selector(selector, target)
    yield from _operations(op, target, selector, value)


def _target(path: Path | None, text: str, resource_type: ResourceType, *, explicit: bool) -> Target | None:
    """Return the attribute or sub-attribute at a path; None for an unknown one that is passed over. Raises `InvalidPath`."""
    target = resource_type.find(path.attribute if path else text)
    if target is None:
        if explicit and text.lower() != PASSWORD:  # a password is dropped unread in every form of message
            raise InvalidPath(f"There is no attribute {shown(text)} in a {resource_type.name} of this service.")
        return None
    if path is None or path.sub_attribute is None:
        return target
    sub = target.attribute.sub(path.sub_attribute)
    if sub is None:
        raise InvalidPath(f"{target.name} has no sub-attribute {shown(path.sub_attribute)}.")
    return Target(target.extension, target.attribute, sub)


def _is_writable(target: Target, *, explicit: bool) -> bool:
    """Whether clients may change the attribute. Raises `Mutability` if they may not and the path is ``explicit``."""
    if "readOnly" not in (target.leaf.mutability, target.attribute.mutability):
        return True
    if explicit:
        raise Mutability(f"{target.name} is read-only.")
    return False


def _check_selector(selector: Filter, target: Target) -> None:
    """Raise `InvalidPath` if the selector is on an attribute without sub-attributes, or names one that is unknown."""
    if target.attribute.type != "complex":
        raise InvalidPath(f"{target.name} has a single value, so it cannot have a selector.")
    require_understood(selector, target.attribute)


def _operations(op: Op, target: Target, selector: Filter | None, value: Any) -> Iterator[Operation]:
    """Yield the operation on one attribute; nothing if it changes nothing. Raises `InvalidValue`."""
    if op == "remove" and (selector is not None or target.sub is not None or not target.attribute.multi_valued):
        value = None  # the path names all that is removed
    elif (op == "add" and value is None) or (op in ("add", "remove") and value == []):
        return
    new_value = _value(target, selector, value)
    if new_value is None and value is not None:
        if op == "remove" or not _is_blank(value):
            # An operation without a value removes everything. The client sent a value, so it did not mean that.
            raise InvalidValue(f"{target.name} does not contain this value: {shown(value)}.")
        if op == "add" or (value and not target.attribute.multi_valued):
            return  # all parts of the value are null: the stored parts stay
    yield Operation(op, target, selector, new_value)


def _is_blank(value: Any) -> bool:
    """Whether ``value`` contains only null and empty values (RFC 7643 section 2.5)."""
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else None
    return value in (None, "") if inner is None else all(_is_blank(one) for one in inner)


def _at_schema(op: Op, schema: Schema, value: Any, resource_type: ResourceType) -> Iterator[Operation]:
    """Yield the operations at a whole schema: one for each attribute in the value, or, for a removal, for each attribute of the schema."""
    if op == "remove":
        names = [one.name for one in schema.attributes if one.mutability != "readOnly" and not one.required]
        if schema is resource_type.core or not names:
            raise Mutability(f"{schema.urn} cannot be removed.")
        value = dict.fromkeys(names)
    if not isinstance(value, dict):
        raise InvalidValue(f"{schema.urn} needs an object as its value, not {shown(value)}.")
    for name, inner in value.items():
        yield from _at_path(op, f"{schema.urn}:{name}", inner, resource_type, explicit=False)


def _value(target: Target, selector: Filter | None, value: Any) -> Any:
    if target.sub is None and selector is not None and target.attribute.multi_valued:
        # One value of many: an object, which Entra may put into a list.
        many = coerce(target.attribute, value, target.name)
        if isinstance(many, list) and len(many) > 1:
            raise InvalidValue(f"{target.name} with a selector accepts only one value.")
        return many[0] if isinstance(many, list) else None
    return coerce(target.leaf, value, target.name)
