"""Django's settings, which a process has once. Tests override what they need."""

from __future__ import annotations

import django
from django.conf import settings

settings.configure(
    ROOT_URLCONF="test_requests",
    ALLOWED_HOSTS=["*"],
    SECRET_KEY="for tests",
    USE_TZ=True,
    DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
    INSTALLED_APPS=["django.contrib.contenttypes", "django.contrib.auth", "doorward.django"],
    DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": "file:django?mode=memory&cache=shared"}},
)
django.setup()
