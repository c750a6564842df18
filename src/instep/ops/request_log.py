"""The request's id: on every log line on its way, and in the answer, to find a report in the logs."""

from __future__ import annotations

from collections.abc import Callable

import structlog
from django.http import HttpRequest, HttpResponse
from django.utils.crypto import get_random_string

Handler = Callable[[HttpRequest], HttpResponse]


class RequestLogMiddleware:
    """Gives each request an id, binds it to every log line on the way, and returns it as `X-Request-Id`."""

    def __init__(self, get_response: Handler) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        request_id = get_random_string(16)
        with structlog.contextvars.bound_contextvars(request=request_id):
            response = self._get_response(request)
        response["X-Request-Id"] = request_id
        return response
