"""`/health/live` and `/health/ready`, for load balancers and people."""

from django.db import DatabaseError, connection
from django.http import HttpRequest, JsonResponse
from psycopg_pool import PoolTimeout

from deliveries.heartbeat import scheduler_is_alive
from organizations import redis_client
from triggers_project.problems import RETRY_AFTER_OUTAGE


def live(request: HttpRequest) -> JsonResponse:
    """200 while the process serves."""
    return JsonResponse({"status": "live"})


def ready(request: HttpRequest) -> JsonResponse:
    """200, or 503 naming what is down. Events are accepted as long as the database is up."""
    up = {
        "database": database_is_up(),
        "broker": broker_is_up(),
        "scheduler": scheduler_is_alive(),
    }
    down = sorted(name for name, works in up.items() if not works)
    if not down:
        return JsonResponse({"status": "ready", "down": []})
    answer = JsonResponse({"status": "not ready", "down": down}, status=503)
    answer.headers["Retry-After"] = str(RETRY_AFTER_OUTAGE)
    return answer


def database_is_up() -> bool:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
        return True
    except (DatabaseError, PoolTimeout):
        return False


def broker_is_up() -> bool:
    return bool(redis_client.ask_broker(lambda redis: redis.ping(), what="health"))
