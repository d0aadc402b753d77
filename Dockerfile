# The image of every process of ours; what it runs is said by docker-compose.yml or deploy/kubernetes.
# tests/deploy/test_image.py carries these steps out without a Docker engine.
FROM python:3.11-slim AS build
WORKDIR /app
COPY requirements requirements
# `docker build --build-arg REQUIREMENTS=traces .` includes what traces need: docs/operations.md, "Traces".
ARG REQUIREMENTS=base
RUN python -m venv --without-pip /venv && \
    pip --python /venv/bin/python install --no-cache-dir --require-hashes -r requirements/$REQUIREMENTS.txt

FROM python:3.11-slim
# By number: Kubernetes must see that it is not root without knowing our /etc/passwd.
RUN useradd --uid 10001 --create-home --home-dir /data --shell /usr/sbin/nologin triggers
COPY --from=build /venv /venv
COPY manage.py /app/
COPY triggers_project /app/triggers_project
COPY organizations /app/organizations
COPY events /app/events
COPY deliveries /app/deliveries
COPY templates /app/templates
WORKDIR /app
# The root is read-only where it runs: who starts must not have to compile all that it imports.
RUN python -m compileall -q /app
ENV PATH=/venv/bin:$PATH PYTHONUNBUFFERED=1 DATA_DIR=/data
USER 10001
CMD ["granian", "--interface", "rsgi", "--host", "0.0.0.0", "--port", "8000", "--workers", "2", \
     "--backlog", "2048", "--backpressure", "2048", "--respawn-failed-workers", "--workers-kill-timeout", "15", \
     "--no-access-log", "--log-level", "warning", "--no-ws", "triggers_project.rsgi:application"]
