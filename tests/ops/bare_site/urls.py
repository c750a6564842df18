"""`/readyz` asks the database; `/echo` says how long the body was."""

from __future__ import annotations

import os

from django.db import connection
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import path
from django.views.decorators.csrf import csrf_exempt


def readyz(request: HttpRequest) -> HttpResponse:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    return JsonResponse({"pid": os.getpid(), "parent": os.getppid()})


@csrf_exempt
def echo(request: HttpRequest) -> HttpResponse:
    return JsonResponse({"length": len(request.body)})


urlpatterns = [path("readyz", readyz), path("echo", echo)]
