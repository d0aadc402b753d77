"""The OpenAPI document: what drf-spectacular reads off the views, and what holds for all of them by rule."""
