"""Commands to be copied: what a shell makes of them is what was meant, and nothing else."""

import subprocess

import pytest

from deliveries.curl import post_event, send_webhook
from deliveries.sent_request import SentRequest

HOSTILE = """{"a": "it's $HOME `id` \\"x\\" \\\\ 🦊"}"""


def as_run(command: str, **variables: str) -> list[str]:
    """What a shell hands to curl."""
    script = 'curl() { printf "%s\\0" "$@"; }\n' + command
    ran = subprocess.run(["/bin/sh", "-eu", "-c", script], env=variables, capture_output=True, check=True)
    return ran.stdout.decode().split("\0")[:-1]


def test_an_event_is_posted_again_with_a_key_of_ones_own() -> None:
    command = post_event(address="http://t.example/api/events", event_type="order.created", payload=HOSTILE)
    assert as_run(command, TRIGGERS_API_KEY="trg_1") == [
        "-X", "POST", "http://t.example/api/events", "-H", "X-API-Key: trg_1", "-H", "Content-Type: application/json",
        "--data-binary", f'{{"type":"order.created","payload":{HOSTILE}}}',
    ]  # fmt: skip


def test_a_webhook_is_sent_with_what_is_secret_left_open() -> None:
    headers = {
        "Host": "a.example",
        "Accept": "*/*",
        "Accept-Encoding": "identity",
        "X-Token": "(not shown)",
        "webhook-id": "7",
        "webhook-signature": "v1,abcdefghi…",
        "Content-Length": "3",
    }
    command = send_webhook(SentRequest("http://a.example/in", headers, 3, ()), HOSTILE)
    assert "abcdefghi" not in command
    assert as_run(command, X_TOKEN="t", WEBHOOK_SIGNATURE="v1,s") == [
        "-g", "-X", "POST", "http://a.example/in", "-H", "Accept: */*", "-H", "X-Token: t", "-H", "webhook-id: 7",
        "-H", "webhook-signature: v1,s", "--data-binary", HOSTILE,
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "variable"), [("`reboot`", "HEADER__REBOOT_"), ("X-$HOME'", "X__HOME_"), ("1!*", "HEADER_1__")]
)
def test_a_name_of_a_header_is_never_run(name: str, variable: str) -> None:
    command = send_webhook(SentRequest("http://a.example/", {name: "(not shown)"}, 2, ()), "{}")
    assert as_run(command, **{variable: "v"})[4:6] == ["-H", f"{name}: v"]
