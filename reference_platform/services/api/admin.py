"""What only admins may see."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from reference_platform.services.api.tools import Tools, answer
from reference_platform.services.errors import Refused
from reference_platform.services.readiness import Readiness


def routes(tools: Tools, readiness: Readiness) -> list[Route]:
    """The endpoints for admins."""

    async def service_status(request: Request) -> Response:
        """Each dependency, and whether it answers."""
        if not tools.caller(request).is_admin:
            raise Refused(403, "forbidden", "only admins may see this")
        found = await readiness.found()
        services = {name: {"status": "healthy" if well else "unhealthy"} for name, well in found.items()}
        return answer(data={"services": services})

    return [Route("/admin/service-status", service_status)]
