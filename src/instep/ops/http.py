"""What every request passes before it reaches a page: the body limit, and the request's id in the logs."""

from __future__ import annotations

from collections.abc import Callable

import structlog
from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse
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


class BodyLimitMiddleware:
    """Answers 413 to a body that is larger than the limit, before it is read."""

    def __init__(self, get_response: Handler) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        limit = settings.DATA_UPLOAD_MAX_MEMORY_SIZE
        declared = request.META.get("CONTENT_LENGTH") or "0"
        if not declared.isdecimal():
            return _refuse(400, "CONTENT_LENGTH", "The Content-Length of this request is not a number.")
        if int(declared) > limit:
            return _refuse(
                413,
                "BODY_TOO_LARGE",
                f"This request is larger than {limit} bytes, the most that is accepted.",
            )
        return self._get_response(request)


def _refuse(status: int, code: str, message: str) -> HttpResponse:
    return JsonResponse({"error": {"code": code, "message": message}}, status=status)
