import pytest

from organizations.redis_url import BadRedisURL, masked, parse

THREE = (("a", 26379), ("b", 1), ("::1", 26379))


def test_one_server() -> None:
    found = parse("redis://me:p%40ss@host:1/7")
    assert (found.kind, found.hosts, found.db, found.tls) == ("one", (("host", 1),), 7, None)
    assert (found.user, found.password) == ("me", "p@ss")


@pytest.mark.parametrize(
    "url",
    [
        "sentinel://:word@a,b:1,[::1]/main/2",
        "redis+sentinel://:word@a:26379,b:1,[::1]:26379/main/2",
        "sentinel://:word@a,b:1,[::1]/2?service=main",
    ],
)
def test_sentinels_and_their_service(url: str) -> None:
    found = parse(url)
    assert (found.kind, found.hosts, found.service, found.db) == ("sentinel", THREE, "main", 2)
    assert (found.password, found.sentinel_password, found.tls) == ("word", None, None)


@pytest.mark.parametrize(
    ("url", "service", "db"),
    [
        ("sentinel://a", "mymaster", 0),
        ("sentinel://a/", "mymaster", 0),
        ("sentinel://a/3", "mymaster", 3),
        ("sentinel://a/main", "main", 0),
    ],
)
def test_a_service_and_a_database_that_are_not_named(url: str, service: str, db: int) -> None:
    assert parse(url)[5:7] == (db, service)


def test_sentinels_have_passwords_of_their_own() -> None:
    found = parse("sentinel://:one@a/main?sentinel_username=me&sentinel_password=t%26wo")
    assert (found.password, found.sentinel_user, found.sentinel_password) == ("one", "me", "t&wo")


@pytest.mark.parametrize("url", ["cluster://:word@a,b:1", "redis+cluster://:word@a:6379,b:1/0"])
def test_a_cluster(url: str) -> None:
    found = parse(url)
    assert (found.kind, found.hosts, found.password) == ("cluster", (("a", 6379), ("b", 1)), "word")


@pytest.mark.parametrize("scheme", ["rediss", "sentinels", "rediss+sentinel", "clusters", "rediss+cluster"])
def test_tls_and_its_options(scheme: str) -> None:
    assert parse(f"{scheme}://a").tls == {}
    assert parse(f"{scheme}://a?ssl_ca_certs=/ca.pem&ssl_check_hostname=false").tls == {
        "ssl_ca_certs": "/ca.pem",
        "ssl_check_hostname": False,
    }


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("http://a", "does not start with redis:// or rediss://, sentinel:// or cluster://"),
        ("sentinel://", "does not start with redis:// or rediss://, sentinel:// or cluster://"),
        ("redis:///0", "names no host and port that can be read"),
        ("sentinel://a:1,b:x/main", "names no host and port that can be read"),
        ("sentinel://a,,b/main", "names no host and port that can be read"),
        ("cluster://a:99999", "names no host and port that can be read"),
        ("redis://a,b/0", "names several servers, as only sentinel:// and cluster:// can"),
        (
            "sentinel://a/main/0/1",
            "has a path that can't be read: it is /service/0 for Sentinel, and nothing for a cluster",
        ),
        (
            "cluster://a/main",
            "has a path that can't be read: it is /service/0 for Sentinel, and nothing for a cluster",
        ),
        ("cluster://a/1", "names a database of a cluster, which has none but 0"),
        (
            "sentinel://a/main?sentinal_password=hidden",
            "has an option 'sentinal_password'; known are sentinel_password, sentinel_username, service, "
            "ssl_ca_certs, ssl_cert_reqs, ssl_certfile, ssl_check_hostname, ssl_keyfile",
        ),
        (
            "rediss://a/0?ssl_cert_reqs=CERT_REQUIRED",
            "has an ssl_cert_reqs other than none, optional, required",
        ),
    ],
)
def test_any_other_is_refused_in_words(url: str, words: str) -> None:
    with pytest.raises(BadRedisURL) as refused:
        parse(url)
    assert str(refused.value) == words


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("redis://127.0.0.1:1/0", "redis://127.0.0.1:1/0"),
        ("redis://:secret@127.0.0.1:1/0", "redis://:***@127.0.0.1:1/0"),
        ("sentinel://me:secret@a,b:1/main/0", "sentinel://me:***@a,b:1/main/0"),
        ("redis://127.0.0.1/0?password=secret", "redis://127.0.0.1/0?password=***"),
        ("postgresql://me:se/cret@127.0.0.1/db", "postgresql://me:***@127.0.0.1/db"),
        (
            "sentinel://a/main?sentinel_password=secret&service=b",
            "sentinel://a/main?sentinel_password=***&service=b",
        ),
    ],
)
def test_passwords_are_not_shown(url: str, shown: str) -> None:
    assert masked(url) == shown
