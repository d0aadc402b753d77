"""What was spent of a limit, as if it had been so."""

from organizations import redis_client


def was_spent(name: str, amounts: dict[int, int]) -> int:
    """Of the budget `name`: so much, so many seconds ago. Returns Redis' time."""
    redis, key = redis_client.client(), f"triggers:limit:{name}"
    now = int(redis.time()[0])
    for ago, amount in amounts.items():
        redis.hset(key, str(now - ago), amount)
    redis.hdel(key, "at")  # what was added up in this second no longer is what is there
    return now
