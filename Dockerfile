FROM python:3.11-slim AS build
WORKDIR /app
COPY requirements requirements
# `docker build --build-arg REQUIREMENTS=traces .` includes what traces need: docs/operations.md, "Traces".
ARG REQUIREMENTS=base
RUN python -m venv /venv && /venv/bin/pip install --no-cache-dir --require-hashes -r requirements/$REQUIREMENTS.txt

FROM python:3.11-slim
RUN useradd --system --create-home --home-dir /data triggers
COPY --from=build /venv /venv
COPY manage.py /app/
COPY triggers_project /app/triggers_project
COPY organizations /app/organizations
COPY events /app/events
COPY deliveries /app/deliveries
COPY templates /app/templates
WORKDIR /app
ENV PATH=/venv/bin:$PATH PYTHONUNBUFFERED=1 DATA_DIR=/data
USER triggers
CMD ["granian", "--interface", "rsgi", "--host", "0.0.0.0", "--port", "8000", "--workers", "2", \
     "--backlog", "2048", "--backpressure", "2048", "--respawn-failed-workers", "--no-ws", \
     "triggers_project.rsgi:application"]
