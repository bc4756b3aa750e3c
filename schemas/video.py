"""Video metadata rows: counts and events that a camera's own analysis saw (``vitals.video``).

No picture, no face, no plate: a field outside this schema refuses the row.
"""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from schemas.ids import Id
from schemas.times import Time

VideoKind = Literal[
    "flame", "smoke", "person_down", "fight", "intrusion", "loitering", "abandoned_object", "illegal_parking",
    "blocked_fire_lane", "street_vendor", "garbage_overflow", "ebike_in_lift", "water_on_road", "counter_flow",
    "helmet_missing",
]  # fmt: skip
CameraHealth = Literal["ok", "signal_loss", "too_dark", "too_bright", "blurred", "moved"]
CAMERA_HEALTH: tuple[CameraHealth, ...] = ("ok", "signal_loss", "too_dark", "too_bright", "blurred", "moved")
MAX_VIDEO_ROWS = 1_024
Count = Annotated[int, Meta(ge=0, le=1_000_000)]
Fraction = Annotated[float, Meta(ge=0, le=1)]
Box = tuple[Fraction, Fraction, Fraction, Fraction]
Token = Annotated[str, Meta(pattern=r"^[A-Za-z0-9_-]{1,64}$(?!\n)", max_length=64)]


class VideoCounts(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """How many of each kind are in view."""

    person: Count | None = None
    vehicle: Count | None = None
    bicycle: Count | None = None
    ebike: Count | None = None


class VideoEvent(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """Something that the camera's analysis saw; ``box`` is x, y, width, height as fractions of the picture."""

    kind: VideoKind
    confidence: Annotated[Fraction, Meta(description="of the camera's analysis, 0 to 1")]
    box: Annotated[Box | None, Meta(description="x, y, width, height as fractions of the picture")] = None
    track: Annotated[Token | None, Meta(description="opaque token of this camera and day, never an identity")] = None


class VideoRow(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """What one camera saw at one time."""

    camera_id: Annotated[Id, Meta(description="the device_id under which the camera is registered")]
    time: Time
    counts: VideoCounts | None = None
    events: Annotated[tuple[VideoEvent, ...], Meta(max_length=64)] = ()
    health: CameraHealth = "ok"
