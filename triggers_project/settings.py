"""Settings, all from the environment (`docs/configuration.md`). A bad value raises BadEnvironment with words."""

import gc
import sys
from datetime import timedelta
from pathlib import Path

from cryptography.fernet import Fernet

from triggers_project import redis_settings
from triggers_project.databases import SCHEMES, databases
from triggers_project.environment import BadEnvironment, Environment
from triggers_project.exporter.process_files import count_by_process
from triggers_project.generated_secrets import generated_secret
from triggers_project.local import embedded
from triggers_project.logs import logging_config
from triggers_project.mail import mail_server
from triggers_project.traces import traces_wanted

# Nearly all that is made while a program starts stays: to look through it at every 700 objects was a sixth of a start.
gc.set_threshold(20_000, 50, 50)

VERSION = "0.1.0"
BASE_DIR = Path(__file__).resolve().parent.parent
env = Environment()

# --- Where things are ---------------------------------------------------------------------------------------------
DATA_DIR = Path(env.text("DATA_DIR", str(BASE_DIR / ".data"))).resolve()
# The desk: nobody named a database, so the embedded servers under DATA_DIR are meant.
ON_THE_DESK = not env.text("DATABASE_URL")
DATABASE_URL = env.url(
    "DATABASE_URL",
    SCHEMES,
    default=lambda: embedded.database_url(DATA_DIR),
)
REDIS_URL = redis_settings.redis_url(env, "REDIS_URL", default=lambda: embedded.redis_url(DATA_DIR))
BROKER_URL = redis_settings.broker_url(env, REDIS_URL)
PORT = env.whole_number("PORT", 8000, least=1, most=65535)
METRICS_PORT = env.whole_number("METRICS_PORT", 9568, least=1, most=65535)
WEB_WORKERS = env.whole_number("WEB_WORKERS", 2, least=1, most=256)
DELIVERY_WORKERS = env.whole_number("DELIVERY_WORKERS", 2, least=1, most=256)

# --- Secrets ------------------------------------------------------------------------------------------------------
SECRET_KEY = env.text("SECRET_KEY") or generated_secret(DATA_DIR, "SECRET_KEY")
FIELD_ENCRYPTION_KEYS = env.words("FIELD_ENCRYPTION_KEYS", []) or [
    generated_secret(DATA_DIR, "FIELD_ENCRYPTION_KEYS")
]
SECRETS_ARE_GENERATED = not (env.text("SECRET_KEY") and env.text("FIELD_ENCRYPTION_KEYS"))
for _position, _key in enumerate(FIELD_ENCRYPTION_KEYS, start=1):
    try:
        Fernet(_key)
    except ValueError:
        raise BadEnvironment(
            f"FIELD_ENCRYPTION_KEYS: key {_position} is not 32 bytes in URL-safe base64; make one with "
            "python -c 'from cryptography.fernet import Fernet; print(Fernet.generate_key().decode())'"
        ) from None

# --- The trade ----------------------------------------------------------------------------------------------------
SIGNUP_OPEN = env.boolean("SIGNUP_OPEN", default=True)
SIGNUPS_PER_HOUR = env.whole_number("SIGNUPS_PER_HOUR", 20, least=1, most=1_000_000)
BCRYPT_ROUNDS = env.whole_number("BCRYPT_ROUNDS", 12, least=4, most=16)
ENDPOINTS_PER_ORGANIZATION = env.whole_number("ENDPOINTS_PER_ORGANIZATION", 50, least=1, most=10_000)
KEYS_PER_ORGANIZATION = env.whole_number("KEYS_PER_ORGANIZATION", 100, least=1, most=10_000)
RETRY_SCHEDULE = env.whole_numbers("RETRY_SCHEDULE", [5, 300, 1800, 7200], least=0, most=30 * 86400)
WEBHOOK_TIMEOUT = env.number("WEBHOOK_TIMEOUT", 30.0, least=0.1, most=300.0)
ALLOWED_PRIVATE_NETWORKS = env.networks(
    "ALLOWED_PRIVATE_NETWORKS", ["127.0.0.0/8", "::1/128"] if ON_THE_DESK else []
)
ENDPOINT_DISABLED_AFTER = timedelta(days=env.whole_number("ENDPOINT_DISABLED_AFTER", 5, least=1, most=365))
REQUIRE_SECOND_FACTOR = env.boolean("REQUIRE_SECOND_FACTOR", default=False)
RETENTION_DAYS = env.whole_number("RETENTION_DAYS", 90, least=1, most=36500)
RETENTION_DAYS_BY_TIER = {
    tier: env.whole_number(f"RETENTION_DAYS_{tier.upper()}", RETENTION_DAYS, least=1, most=36500)
    for tier in ("free", "pro", "business", "enterprise")
}

# --- Mail to the operators ----------------------------------------------------------------------------------------
_mail = mail_server(env.url("EMAIL_URL", ("smtp", "smtp+tls", "smtps"), default=str))
EMAIL_HOST, EMAIL_PORT, EMAIL_HOST_USER, EMAIL_HOST_PASSWORD, EMAIL_USE_TLS, EMAIL_USE_SSL = _mail
EMAIL_TIMEOUT = 10  # seconds
DEFAULT_FROM_EMAIL = env.text("EMAIL_FROM", "triggers@localhost")
OPERATOR_EMAILS = env.words("OPERATOR_EMAILS", [])

# --- Django -------------------------------------------------------------------------------------------------------
DEBUG = env.boolean("DEBUG", default=False)
ALLOWED_HOSTS = env.words("ALLOWED_HOSTS", ["localhost", "127.0.0.1", "[::1]"])
ROOT_URLCONF = "triggers_project.urls"
WSGI_APPLICATION = "triggers_project.wsgi.application"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
LANGUAGE_CODE = "en"
TIME_ZONE = "UTC"
USE_TZ = True

INSTALLED_APPS = [
    "triggers_project",
    "triggers_project.apps.TriggersAdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "corsheaders",
    "csp",
    "django_celery_beat",
    "django_prometheus",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "rest_framework",
    "organizations",
    "events",
    "deliveries",
]

MIDDLEWARE = [
    "django_prometheus.middleware.PrometheusBeforeMiddleware",
    "triggers_project.requests.RequestLog",
    "events.middleware.Traced",
    "triggers_project.requests.ReadTheRest",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "corsheaders.middleware.CorsMiddleware",
    "triggers_project.requests.OneSpelling",
    "organizations.middleware.LimitHeaders",
    "organizations.middleware.Changes",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_prometheus.middleware.PrometheusAfterMiddleware",
    "triggers_project.bodies.EmptyBody",  # last: what it writes over, the metrics count
]

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]

# --- PostgreSQL ---------------------------------------------------------------------------------------------------
DATABASES = databases(env, DATABASE_URL)
DATABASE_ROUTERS = ["organizations.replica.Router"]
# How old what a replica answers may be, in seconds.
DATABASE_REPLICA_LAG = env.whole_number("DATABASE_REPLICA_LAG", 10, least=2, most=3600)

# --- Redis and Celery ---------------------------------------------------------------------------------------------
REDIS_TIMEOUT = redis_settings.TIMEOUT
CACHES = {"default": redis_settings.cache(REDIS_URL)}
_broker = redis_settings.celery_broker(BROKER_URL or REDIS_URL)
CELERY_BROKER_URL, CELERY_BROKER_USE_SSL, CELERY_BROKER_TRANSPORT_OPTIONS = _broker
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_CONNECTION_MAX_RETRIES = None
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_DEFAULT_QUEUE = "housekeeping"
CELERY_TASK_ROUTES = {"deliveries.deliver_due": {"queue": "deliveries"}}
CELERY_TASK_PUBLISH_RETRY = False
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_CONSUMER = "triggers_project.consumer:PromptConsumer"
CELERY_WORKER_CANCEL_LONG_RUNNING_TASKS_ON_CONNECTION_LOSS = False
CELERY_DB_REUSE_MAX = sys.maxsize  # else it connects anew for each task; celery.py says when it does
CELERY_TIMEZONE = "UTC"
CELERY_BEAT_SCHEDULER = "triggers_project.scheduler:SleepingScheduler"
CELERY_BEAT_MAX_LOOP_INTERVAL = 1
DJANGO_CELERY_BEAT_TZ_AWARE = True

# --- REST framework -----------------------------------------------------------------------------------------------
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["organizations.authentication.KeyAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["organizations.authentication.HasScope"],
    "DEFAULT_RENDERER_CLASSES": ["triggers_project.bodies.JSONOut"],
    "DEFAULT_PARSER_CLASSES": ["triggers_project.bodies.JSONIn"],
    "DEFAULT_CONTENT_NEGOTIATION_CLASS": "triggers_project.bodies.OneParser",
    "DEFAULT_PAGINATION_CLASS": "triggers_project.pages.NewestFirst",
    "DEFAULT_SCHEMA_CLASS": "triggers_project.openapi.operations.OperationSchema",
    "EXCEPTION_HANDLER": "triggers_project.problems.answer_exception",
    "URL_FORMAT_OVERRIDE": None,  # ?format= is a query parameter that nobody knows, like any other
    "UNAUTHENTICATED_USER": None,
    "UNICODE_JSON": True,
    "COERCE_DECIMAL_TO_STRING": False,
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Triggers",
    "DESCRIPTION": (BASE_DIR / "triggers_project/openapi/introduction.md").read_text(),
    "VERSION": VERSION,
    "OAS_VERSION": "3.1.0",
    "SERVE_INCLUDE_SCHEMA": False,
    "SERVE_AUTHENTICATION": [],
    "SERVE_PERMISSIONS": [],
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "SWAGGER_UI_SETTINGS": {"persistAuthorization": True, "tryItOutEnabled": True},
    "COMPONENT_SPLIT_REQUEST": True,
    "ENUM_NAME_OVERRIDES": {
        "DeliveryStatus": "deliveries.models.Delivery.Status",
        "EndpointState": "deliveries.models.Endpoint.State",
        "ReplayState": "deliveries.models.Replay.State",
        "Tier": "organizations.tiers.Tier",
        "Scope": "organizations.scopes.ALL_SCOPES",
        "EventStatus": "deliveries.event_status.STATUSES",
    },
    "POSTPROCESSING_HOOKS": [
        "drf_spectacular.hooks.postprocess_schema_enums",
        "triggers_project.openapi.document.complete",
    ],
    "SCHEMA_PATH_PREFIX": "/api",
    "ENUM_GENERATE_CHOICE_DESCRIPTION": False,
}

# --- Pages, cookies, headers --------------------------------------------------------------------------------------
STATIC_URL = "/static/"
WHITENOISE_USE_FINDERS = True
WHITENOISE_AUTOREFRESH = False
# HSTS tells browsers never to use http again: only for those who serve https, so it is asked for in seconds.
SECURE_HSTS_SECONDS = env.whole_number("HSTS_SECONDS", 0, least=0, most=63_072_000)
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = SECURE_HSTS_SECONDS > 0
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
# Behind a TLS proxy that sets X-Forwarded-Proto; without one the header could be forged.
BEHIND_TLS_PROXY = env.boolean("BEHIND_TLS_PROXY", default=False)
if BEHIND_TLS_PROXY:
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = True
CSRF_TRUSTED_ORIGINS = [
    f"https://{host.replace('*', '', 1) if host.startswith('*') else host}"
    for host in ALLOWED_HOSTS
    if host != "*"
]
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_AGE = 12 * 60 * 60  # of the admin: a working day from logging in, however busy
SESSION_COOKIE_SAMESITE = "Lax"
CSRF_COOKIE_SAMESITE = "Lax"
CORS_ALLOWED_ORIGINS = env.origins("CORS_ALLOWED_ORIGINS")
CORS_URLS_REGEX = r"^/api/.*$"
CORS_ALLOW_HEADERS = [
    "authorization",
    "content-type",
    "idempotency-key",
    "x-api-key",
    "x-request-id",
]
CORS_EXPOSE_HEADERS = [
    "idempotent-replayed",
    "ratelimit",
    "ratelimit-policy",
    "retry-after",
    "x-ratelimit-limit",
    "x-ratelimit-remaining",
    "x-ratelimit-reset",
    "x-request-id",
]
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": ["'none'"],
        "script-src": ["'self'"],
        "style-src": ["'self'"],
        "img-src": ["'self'", "data:"],
        "font-src": ["'self'"],
        "connect-src": ["'self'"],
        "form-action": ["'self'"],
        "frame-ancestors": ["'none'"],
        "base-uri": ["'none'"],
    }
}
# Swagger UI writes style attributes; scripts stay strict there, too.
DOCS_CONTENT_SECURITY_POLICY = {"style-src": ["'self'", "'unsafe-inline'"]}
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
    )
]
SILENCED_SYSTEM_CHECKS = [
    "security.W008",  # https is the proxy's business; a redirect would break API clients
]

# --- Logs, traces and metrics ------------------------------------------------------------------------------------
LOG_LEVEL = env.choice("LOG_LEVEL", "INFO", ["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"])
LOG_FORMAT = env.choice("LOG_FORMAT", "console" if sys.stderr.isatty() else "json", ["console", "json"])
LOGGING_CONFIG = "triggers_project.logs.configure"
LOGGING = logging_config(level=LOG_LEVEL, form=LOG_FORMAT)
count_by_process()
TRACES = traces_wanted(env)
METRICS_BY_TENANT = env.boolean("METRICS_BY_TENANT", default=False)
PROMETHEUS_LATENCY_BUCKETS = (
    0.005,
    0.01,
    0.025,
    0.05,
    0.1,
    0.25,
    0.5,
    1.0,
    2.5,
    5.0,
    10.0,
    30.0,
    float("inf"),
)
