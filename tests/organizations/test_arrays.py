import uuid

import pytest

from organizations.arrays import sixteens, text_array, uuid_array
from organizations.sql import run_for_tuples

SOME = [uuid.UUID(int=number) for number in (1, 2**127, 2**128 - 1)]


@pytest.mark.django_db
@pytest.mark.parametrize(
    "texts", [[], ["a"], [None], ["", None, "Zürich 🙂", "x" * 100_000, '{"a": [1, "\\\\"]}']]
)
def test_texts_arrive_as_they_are(texts: list[str | None]) -> None:
    array = text_array([None if text is None else text.encode() for text in texts])
    assert run_for_tuples("SELECT %(texts)b::text[]", {"texts": array}) == [(texts,)]


@pytest.mark.django_db
@pytest.mark.parametrize("ids", [[], SOME[:1], SOME])
def test_so_do_uuids_and_come_back_together(ids: list[uuid.UUID]) -> None:
    array = uuid_array([one.bytes for one in ids])
    statement = "SELECT string_agg(uuid_send(id), ''::bytea) FROM unnest(%(ids)b::uuid[]) AS id"
    rows = run_for_tuples(statement, {"ids": array})
    assert sixteens(rows[0][0]) == [one.bytes for one in ids]
