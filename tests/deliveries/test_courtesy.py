import time
from collections.abc import Mapping

import pytest

from deliveries import engine
from deliveries.courtesy import (
    COMPANY,
    COST,
    FIRST_REST,
    HICCUP,
    LONGEST_REST,
    MOST_REST,
    MUCH,
    REMEMBERED,
    Courtesy,
)
from deliveries.lateness import Lateness
from tests.deliveries.engine_room import an_engine, run_engine
from tests.deliveries.receiver import answers, receiving
from tests.factories import make_delivery, make_endpoint, make_organization


def after(*served: tuple[float, dict[str, int]], scale: float = 0.5) -> Courtesy:
    courtesy = Courtesy()
    for now, amounts in served:
        courtesy.serve(amounts, scale=scale, now=now)
    return courtesy


def test_who_has_much_rests_while_another_has_little_and_the_loop_is_late() -> None:
    courtesy = after((100.0, {"big": 20, "small": 1}))
    rest = 20 * COST * MOST_REST * (0.5 - HICCUP)
    assert courtesy.rest_of("big", now=100.0) == pytest.approx(rest)
    assert courtesy.resting(now=100.0 + rest - 0.001) == ["big"]
    assert courtesy.resting(now=100.0 + rest + 0.001) == []


def test_who_has_little_never_rests() -> None:
    courtesy = after((100.0, {"big": 100, "small": MUCH - 1}))
    assert courtesy.rest_of("small", now=100.0) == 0


def test_who_has_much_beside_others_begins_gently_and_soon_has_all() -> None:
    courtesy, now, rests = Courtesy(), 100.0, []
    for _ in range(4):
        courtesy.serve({"big": 100, "small": 1}, scale=1.0, now=now)
        rests.append(courtesy.rest_of("big", now=now))
        now += rests[-1]
    first = 100 * COST * FIRST_REST
    assert rests == pytest.approx([first, first / 2, first / 4, first / 8])


def test_who_has_much_again_after_a_while_begins_gently_again() -> None:
    first = 100 * COST * FIRST_REST
    served = {"big": 100, "small": 1}
    for later, rest in ((first + REMEMBERED - 0.01, first / 2), (first + REMEMBERED + 0.01, first)):
        courtesy = after((100.0, served), (100.0 + later, served), scale=1.0)
        assert courtesy.rest_of("big", now=100.0 + later) == pytest.approx(rest)


def test_who_was_alone_begins_gently_when_somebody_comes() -> None:
    courtesy = after(
        (100.0, {"big": 100}), (100.1, {"big": 100}), (100.2, {"big": 100, "small": 1}), scale=1.0
    )
    assert courtesy.rest_of("big", now=100.2) == pytest.approx(100 * COST * FIRST_REST)


def test_who_rests_for_long_is_no_company_to_itself_afterwards() -> None:
    courtesy = after((100.0, {"big": 1_000, "small": 1}), (100.0 + LONGEST_REST, {"big": 1}))
    assert not courtesy.in_company(now=100.0 + LONGEST_REST)
    assert courtesy.has_much(now=100.0 + LONGEST_REST)


def test_the_later_the_loop_the_longer_the_rest() -> None:
    served = (100.0, {"big": 20, "small": 1})
    rests = [after(served, scale=scale).rest_of("big", now=100.0) for scale in (0.7, 0.5, 0.1)]
    assert rests == sorted(rests)
    assert rests[0] == pytest.approx(rests[2] / 7)


def test_a_loop_that_was_late_once_keeps_up() -> None:
    lateness, first = Lateness(), 100 * COST * FIRST_REST
    lateness.note(1.0)
    assert rest_of_a_hundred(lateness.scale) == pytest.approx(first)
    lateness.note(1.0)
    assert rest_of_a_hundred(lateness.scale) > first


def rest_of_a_hundred(scale: float) -> float:
    return after((100.0, {"big": 100, "small": 1}), scale=scale).rest_of("big", now=100.0)


def test_however_much_it_was_nobody_rests_for_longer_than_two_seconds() -> None:
    assert after((100.0, {"big": 1_000, "small": 1}), scale=0.1).rest_of("big", now=100.0) == LONGEST_REST


def test_who_has_much_rests_for_somebody_elsewhere_as_well() -> None:
    courtesy = Courtesy()
    courtesy.serve({"big": 20}, scale=1.0, now=100.0, elsewhere=0.5)
    assert courtesy.rest_of("big", now=100.0) == pytest.approx(20 * COST * MOST_REST * (0.5 - HICCUP))


def test_a_second_batch_does_not_end_the_rest_that_the_first_has_earned() -> None:
    courtesy = after((100.0, {"big": 1_000, "small": 1}))
    courtesy.serve({"big": 1_000}, scale=1.0, now=100.1)
    assert courtesy.rest_of("big", now=100.0) == LONGEST_REST


def test_alone_nobody_rests() -> None:
    assert after((100.0, {"big": 100}), (100.1, {"big": 100, "other": 50})).resting(now=100.1) == []


@pytest.mark.parametrize(("later", "resting"), [(COMPANY - 0.01, ["big"]), (COMPANY + 0.01, [])])
def test_who_had_little_is_there_for_a_second(later: float, resting: list[str]) -> None:
    assert after((100.0, {"small": 1}), (100.0 + later, {"big": 100})).resting(now=100.0 + later) == resting


def test_who_has_rested_is_forgotten() -> None:
    courtesy = after((100.0, {"big": 10, "small": 1}), (200.0, {}))
    assert [courtesy.much, courtesy.little, courtesy.rests, courtesy.last_rest, courtesy.known] == [{}] * 5


def test_who_begins_and_ends_with_little_is_no_company_to_itself() -> None:
    courtesy = after((100.0, {"big": 4}), (100.1, {"big": 100}), (100.2, {"big": 2}), (100.3, {"big": 100}))
    assert courtesy.resting(now=100.3) == []


@pytest.mark.parametrize(
    ("served", "wanted"),
    [
        ({"much": MUCH}, engine.MOST_AT_ONCE),
        ({"little": 1, "other": MUCH - 1}, engine.MOST_AT_ONCE),
        ({"much": MUCH, "little": 1}, engine.FEW_AT_ONCE),
    ],
)
def test_beside_others_an_engine_claims_few_at_once(served: dict[str, int], wanted: int) -> None:
    some = an_engine()
    some.courtesy.serve(served, scale=1.0, now=time.monotonic())
    assert some._wanted() == wanted


def test_an_engine_delivers_all_of_who_rests_as_well(
    committed: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The loop is as late as can be: the big tenant's forty come in claims with a rest between them."""
    monkeypatch.setattr(Lateness, "note", lambda self, late: setattr(self, "scale", 0.1))
    monkeypatch.setattr(engine, "MOST_AT_ONCE", 20)
    monkeypatch.setattr(engine, "FEW_AT_ONCE", 20)
    rested: list[str] = []
    serve = Courtesy.serve

    def note(
        self: Courtesy, served: Mapping[str, int], *, scale: float, now: float, elsewhere: float
    ) -> None:
        serve(self, served, scale=scale, now=now, elsewhere=elsewhere)
        rested.extend(self.resting(now=now))

    monkeypatch.setattr(Courtesy, "serve", note)
    big, small = (make_organization(name=name) for name in ("Big", "Small"))
    with receiving(answers(204)) as receiver:
        for organization, count in ((small, 2), (big, 40)):
            for _ in range(count):  # each its own endpoint: one alone would get few places at first
                make_delivery(make_endpoint(organization, url=receiver.url))
        assert run_engine() == 42
    assert set(rested) == {str(big.pk)}
