import ssl

import pytest
from kombu import Connection

from triggers_project.environment import BadEnvironment, Environment
from triggers_project.redis_settings import broker_url, celery_broker, redis_url

SENTINELS = "sentinel://me:p%40ss@a,b:1,[::1]/main/2?sentinel_password=word"


def test_a_url_is_read_and_a_bad_one_is_refused_without_its_password() -> None:
    assert redis_url(Environment({"X": SENTINELS}), "X", default=str) == SENTINELS
    assert redis_url(Environment({}), "X", default=lambda: "redis://a") == "redis://a"
    with pytest.raises(BadEnvironment) as refused:
        redis_url(Environment({"X": "sentinel://:hidden@a:x/main"}), "X", default=str)
    assert str(refused.value) == "X names no host and port that can be read"


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("redis://a/0?colour=hidden", "X has options (colour), not all of which can be used: TypeError"),
        (
            "redis://a/0?db=hidden",
            "X has options (db), not all of which can be used: ValueError",
        ),
        (
            "redis://a/0?ssl_cert_reqs=none",
            "X has options (ssl_cert_reqs), not all of which can be used: TypeError",
        ),
    ],
)
def test_an_option_that_no_connection_takes_stops_the_start(url: str, words: str) -> None:
    with pytest.raises(BadEnvironment) as refused:
        redis_url(Environment({"X": url}), "X", default=str)
    assert str(refused.value) == words


@pytest.mark.parametrize(
    ("broker", "redis", "named"),
    [("", "cluster://a", "REDIS_URL"), ("cluster://a", "redis://b", "BROKER_URL")],
)
def test_a_cluster_is_no_broker(broker: str, redis: str, named: str) -> None:
    with pytest.raises(BadEnvironment) as refused:
        broker_url(Environment({"BROKER_URL": broker}), redis)
    assert str(refused.value) == (
        f"{named} names a Redis Cluster, on which Celery can't keep its messages: set BROKER_URL to a small Redis of "
        "its own, redis://… or sentinel://…"
    )


def test_a_cluster_may_have_a_broker_beside_it() -> None:
    assert broker_url(Environment({"BROKER_URL": "redis://b"}), "cluster://a") == "redis://b"
    assert broker_url(Environment({}), SENTINELS) == ""


def test_celery_is_told_each_sentinel_and_the_service() -> None:
    url, tls, options = celery_broker(SENTINELS)
    assert url == ";".join(f"sentinel://me:p%40ss@{host}/2" for host in ("a:26379", "b:1", "[::1]:26379"))
    assert tls is False
    assert options["master_name"] == "main"
    asked = options["sentinel_kwargs"]
    assert (asked["credential_provider"].get_credentials(), asked["socket_timeout"]) == (("word",), 0.25)
    assert asked["retry"].get_retries() == 0


def test_kombu_reads_the_same_hosts_and_password() -> None:
    connection = Connection(celery_broker(SENTINELS).url)
    assert (connection.userid, connection.password, connection.virtual_host) == ("me", "p@ss", "2")
    assert len(connection.alt) == 3


@pytest.mark.parametrize("url", ["rediss://a", "sentinels://a/main"])
def test_certificates_are_looked_at_unless_the_url_says_otherwise(url: str) -> None:
    assert celery_broker(url).tls == {"ssl_cert_reqs": ssl.CERT_REQUIRED}
    assert celery_broker(f"{url}?ssl_cert_reqs=none&ssl_ca_certs=/ca.pem").tls == {
        "ssl_cert_reqs": "none",
        "ssl_ca_certs": "/ca.pem",
    }


def test_one_server_is_named_to_celery_as_it_is() -> None:
    url, tls, options = celery_broker("redis://:word@a:1/0")
    assert (url, tls) == ("redis://:word@a:1/0", False)
    assert "master_name" not in options
