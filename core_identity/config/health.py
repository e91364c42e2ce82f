from django.db import connection
from django.http import HttpRequest, HttpResponse, JsonResponse

from core_identity.credentials import credential


@credential("none")
def healthz(request: HttpRequest) -> HttpResponse:
    """Answer 200 when the server can serve: the process lives and the database answers."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    return JsonResponse({"status": "ok"})
