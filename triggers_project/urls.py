"""Every route. API paths have no trailing slash; `requests.OneSpelling` takes one off."""

from django.contrib import admin
from django.urls import path
from django.views.generic import RedirectView

from deliveries import api as deliveries
from deliveries import api_endpoints as endpoints
from deliveries import api_replays as replays
from events import api as events
from organizations import api as organizations
from triggers_project import docs, health, problem_pages
from triggers_project.problems import only_read

admin.autodiscover()

urlpatterns = [
    path("", only_read(RedirectView.as_view(url="/api/docs"))),
    path("api/keys", organizations.Keys.as_view()),
    path("api/keys/generate", organizations.Signup.as_view()),
    path("api/keys/rotate", organizations.KeyRotation.as_view()),
    path("api/keys/<uuid:key_id>", organizations.OneKey.as_view()),
    path("api/webhook/config", endpoints.WebhookConfig.as_view()),
    path("api/endpoints", endpoints.Endpoints.as_view()),
    path("api/endpoints/<uuid:endpoint_id>", endpoints.OneEndpoint.as_view()),
    path("api/endpoints/<uuid:endpoint_id>/pause", endpoints.EndpointPause.as_view()),
    path("api/endpoints/<uuid:endpoint_id>/resume", endpoints.EndpointResume.as_view()),
    path("api/endpoints/<uuid:endpoint_id>/secret", endpoints.EndpointSecretView.as_view()),
    path("api/endpoints/<uuid:endpoint_id>/rotate-secret", endpoints.EndpointSecretRotation.as_view()),
    path("api/endpoints/<uuid:endpoint_id>/test", endpoints.EndpointTest.as_view()),
    path("api/endpoints/<uuid:endpoint_id>/replay", replays.EndpointReplay.as_view()),
    path("api/events", events.Events.as_view()),
    path("api/events/batch", events.Batch.as_view()),
    path("api/events/<uuid:event_id>", events.OneEvent.as_view()),
    path("api/events/<uuid:event_id>/replay", events.EventReplay.as_view()),
    path("api/inbox", events.Inbox.as_view()),
    path("api/ack", events.Ack.as_view()),
    path("api/ack/<uuid:event_id>", events.AckOne.as_view()),
    path("api/deliveries", deliveries.Deliveries.as_view()),
    path("api/deliveries/retry", replays.DeliveriesRetry.as_view()),
    path("api/deliveries/<uuid:delivery_id>", deliveries.OneDelivery.as_view()),
    path("api/deliveries/<uuid:delivery_id>/retry", deliveries.DeliveryRetry.as_view()),
    path("api/replays", replays.Replays.as_view()),
    path("api/replays/<uuid:replay_id>", replays.OneReplay.as_view()),
    path("api/replays/<uuid:replay_id>/cancel", replays.ReplayCancel.as_view()),
    path("api/schema", docs.schema, name="schema"),
    path("api/docs", docs.docs, name="docs"),
    path("problems", only_read(problem_pages.problem_index)),
    path("problems/<slug:code>", only_read(problem_pages.problem_page)),
    path("health/live", only_read(health.live)),
    path("health/ready", only_read(health.ready)),
    path("admin/", admin.site.urls),
]

handler400 = "triggers_project.problems.bad_request"
handler404 = "triggers_project.problems.not_found"
handler500 = "triggers_project.problems.internal_error"
