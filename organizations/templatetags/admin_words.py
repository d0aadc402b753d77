"""`admin_words.py` in templates."""

from django import template

from organizations import admin_words

register = template.Library()

register.filter("ago", admin_words.ago)
register.filter("breakable", admin_words.breakable)
register.filter("exactly", admin_words.exactly)
register.filter("in_utc", admin_words.in_utc)
register.filter("lasted", admin_words.lasted)
register.filter("pairs", admin_words.pairs)
register.filter("planned", admin_words.planned)
register.filter("page_of", admin_words.page_of)
register.filter("without_query", admin_words.without_query)
register.simple_tag(admin_words.badge)
register.simple_tag(admin_words.how_many)
