"""How bodies that come in are read, for all apps."""

from collections.abc import Mapping
from typing import Any

from rest_framework import serializers

from organizations.incoming import refuse_nul

_TEXTS = (
    serializers.CharField,
    serializers.UUIDField,
    serializers.DateTimeField,
    serializers.ChoiceField,
)


class Incoming(serializers.Serializer[None]):
    """A body of JSON types: REST framework alone also takes 17 for "17", "1" for 1 and "no" for false.

    What it has no field for is ignored, whatever that holds.
    """

    def to_internal_value(self, data: Any) -> dict[str, Any]:
        if isinstance(data, Mapping):
            refuse_nul({name: data[name] for name in self.fields if name in data})
            faults = {
                name: fault
                for name, field in self.fields.items()
                if name in data and (fault := type_fault(field, data[name]))
            }
            if faults:
                raise serializers.ValidationError(faults)
        return dict(super().to_internal_value(data))


def type_fault(field: Any, value: Any) -> Any:
    """What is wrong with the JSON type of a value, by index for what is in a list; None for what fits."""
    if value is None:
        return None  # the field itself knows whether that may be
    if isinstance(field, serializers.ListField) and isinstance(value, list):
        faults = {
            index: fault for index, each in enumerate(value) if (fault := type_fault(field.child, each))
        }
        return faults or None
    if isinstance(field, serializers.DictField) and isinstance(value, dict):
        faults = {name: fault for name, each in value.items() if (fault := type_fault(field.child, each))}
        return faults or None
    if isinstance(field, _TEXTS) and not isinstance(value, str):
        return ["This is not a string."]
    if isinstance(field, serializers.BooleanField) and not isinstance(value, bool):
        return ["This is not true or false."]
    if isinstance(field, serializers.IntegerField) and (
        isinstance(value, bool) or not isinstance(value, int | float)
    ):
        return ["This is not a number."]
    return None
