import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from organizations.collector import Collector


def collect(work: Callable[[list[Any]], list[Any]], talk: Callable[[Collector], Any], **options: Any) -> Any:
    """What `talk`, a coroutine function, gives, with a collector of two threads."""
    with ThreadPoolExecutor(2) as threads:
        return asyncio.run(talk(Collector(work, threads=threads, **{"most": 100, **options})))


def ask_all(*questions: object) -> Callable[[Collector], Any]:
    async def talk(collector: Collector) -> Any:
        return await asyncio.gather(
            *(collector.ask(question) for question in questions), return_exceptions=True
        )

    return talk


def test_those_who_ask_at_once_are_answered_by_one_call_each_with_his_answer() -> None:
    calls: list[list[int]] = []

    def work(questions: list[int]) -> list[int]:
        calls.append(questions)
        return [question * 10 for question in questions]

    assert collect(work, ask_all(1, 2, 3)) == [10, 20, 30]
    assert calls == [[1, 2, 3]]


def test_what_comes_in_while_a_call_runs_is_the_next_call() -> None:
    calls: list[list[int]] = []
    running, go_on = threading.Event(), threading.Event()

    def work(questions: list[int]) -> list[int]:
        calls.append(questions)
        running.set()
        assert go_on.wait(10)
        return questions

    async def talk(collector: Collector) -> None:
        first = asyncio.create_task(collector.ask(1))
        await asyncio.to_thread(running.wait, 10)
        others = [asyncio.create_task(collector.ask(number)) for number in (2, 3)]
        await asyncio.sleep(0.01)
        go_on.set()
        await asyncio.gather(first, *others)

    collect(work, talk)
    assert calls == [[1], [2, 3]]


def test_a_call_has_so_much_at_most_and_what_is_heavier_goes_alone() -> None:
    calls: list[list[int]] = []

    def work(questions: list[int]) -> list[int]:
        calls.append(questions)
        return questions

    collect(work, ask_all(3, 4, 3, 1, 20, 1), most=10, weigh=lambda question: question)
    assert calls == [[3, 4, 3], [1], [20], [1]]


def test_no_more_calls_run_at_a_time_than_allowed() -> None:
    running = most = 0
    lock = threading.Lock()

    def work(questions: list[int]) -> list[int]:
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        threading.Event().wait(0.005)
        with lock:
            running -= 1
        return questions

    collect(work, ask_all(*range(20)), most=1)
    assert most == 1


def test_an_error_reaches_all_who_were_in_that_call_and_nobody_else() -> None:
    def work(questions: list[int]) -> list[int]:
        if 2 in questions:
            raise ValueError("no")
        return questions

    first, second, third = collect(work, ask_all(1, 2, 3), most=2)
    assert (str(first), str(second), third) == ("no", "no", 3)


def test_who_asks_no_more_is_in_nobodys_way() -> None:
    go_on = threading.Event()

    def work(questions: list[int]) -> list[int]:
        assert go_on.wait(10)
        return questions

    async def talk(collector: Collector) -> int:
        asked = [asyncio.create_task(collector.ask(number)) for number in (1, 2)]
        await asyncio.sleep(0.01)
        asked[0].cancel()
        await asyncio.sleep(0)
        go_on.set()
        return await asked[1]

    assert collect(work, talk) == 2


def test_what_is_only_told_is_worked_on_as_well() -> None:
    done: list[int] = []

    async def talk(collector: Collector) -> None:
        await collector.tell(5)

    def work(questions: list[int]) -> list[int]:
        done.extend(questions)
        return questions

    collect(work, talk)
    assert done == [5]


@pytest.mark.parametrize("most", [1, 3, 100])
def test_the_order_is_that_of_asking(most: int) -> None:
    seen: list[int] = []

    def work(questions: list[int]) -> list[int]:
        seen.extend(questions)
        return questions

    collect(work, ask_all(*range(10)), most=most)
    assert seen == list(range(10))
