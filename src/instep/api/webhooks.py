"""Where sources post their events. A source is answered only after its event is stored."""

from __future__ import annotations

from datetime import UTC, datetime

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
    received = receive(endpoint_id, request.body, request.headers.get(SIGNATURE_HEADER), datetime.now(UTC))
    if received.ok:
        return JsonResponse({"status": received.outcome, "message": received.message})
    return _say(received.status, received.outcome, received.message)


def _say(status: int, code: str, message: str) -> HttpResponse:
    return JsonResponse({"error": {"code": code, "message": message}}, status=status)
