"""JSON bodies as objects of their models."""

from __future__ import annotations

import json
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic.alias_generators import to_camel
from starlette.requests import Request

from reference_platform.services.asked import is_json, raw_body
from reference_platform.services.errors import Refused, invalid


class Body(BaseModel):
    """A JSON body: its keys are in camel case, unknown ones are ignored as the real api does."""

    model_config = ConfigDict(alias_generator=to_camel, validate_by_name=True, frozen=True)


Model = TypeVar("Model", bound=Body)


async def read(request: Request, model: type[Model]) -> Model:
    """The body as an object of its model.

    Raises:
        Refused: 415, 413, or 400 with what is wrong.
    """
    if not is_json(request):
        raise Refused(415, "unsupported_media_type", "expected application/json")
    try:
        return model.model_validate(json.loads(await raw_body(request)))
    except ValidationError as error:
        wrong = ("/".join(map(str, one["loc"])) + f": {one['msg']}" for one in error.errors())
        raise invalid("; ".join(wrong)) from None
    except ValueError:  # also bytes that are not UTF-8
        raise invalid("the body is not JSON") from None


Json = dict[str, Any]
