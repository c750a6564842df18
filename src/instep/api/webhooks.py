"""Where sources post their events. A source is answered only after its event is stored."""

from __future__ import annotations

from datetime import UTC, datetime

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.csrf import csrf_exempt

from instep.bookings.inlet import receive
from instep.ingest.oncehub import SIGNATURE_HEADER


@csrf_exempt
@login_not_required
def oncehub(request: HttpRequest, endpoint_id: str) -> HttpResponse:
    """Take one event of OnceHub; see `bookings.inlet.receive` for the answers."""
    if request.method != "POST":
        answer = _say(405, "METHOD", "Events are posted to this address.")
        answer["Allow"] = "POST"
        return answer
    raw = _body(request)
    if len(raw) > settings.DATA_UPLOAD_MAX_MEMORY_SIZE:
        limit = settings.DATA_UPLOAD_MAX_MEMORY_SIZE
        return _say(
            413, "BODY_TOO_LARGE", f"This request is larger than {limit} bytes, the most that is accepted."
        )
    received = receive(endpoint_id, raw, request.headers.get(SIGNATURE_HEADER), datetime.now(UTC))
    if received.ok:
        return JsonResponse({"status": received.outcome, "message": received.message})
    return _say(received.status, received.outcome, received.message)


def _body(request: HttpRequest) -> bytes:
    """The bytes as sent; of a body that is too large, one byte more than allowed.

    Django takes a body without Content-Length (chunked) for an empty one, and the event would be lost.
    """
    if request.META.get("CONTENT_LENGTH") or "chunked" not in request.headers.get("Transfer-Encoding", ""):
        return request.body
    stream, left, parts = request.META["wsgi.input"], settings.DATA_UPLOAD_MAX_MEMORY_SIZE + 1, []
    while left > 0 and (part := stream.read(min(left, 65536))):
        parts.append(part)
        left -= len(part)
    return b"".join(parts)


def _say(status: int, code: str, message: str) -> HttpResponse:
    return JsonResponse({"error": {"code": code, "message": message}}, status=status)
