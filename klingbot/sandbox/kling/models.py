"""What the local Kling sells, and for how many units a second: Kling's public capability map and price page, as data.

Source: kling.ai/document-api, capability map of 2026-05-19 and video prices as read until 2026-10-08. It is written
down apart from the bot's own price lists, so that a figure misread in one of the two shows as a difference.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from types import MappingProxyType
from typing import Literal

Way = Literal["text", "image", "omni"]
"""How a video is asked for: from words, from a first frame, or at the omni-video endpoint, which takes both."""


@dataclass(frozen=True, slots=True)
class KlingModel:
    """One model as Kling sells it."""

    legacy_name: str | None
    path_name: str
    ways: frozenset[Way]
    seconds: frozenset[int]
    sound: Literal["never", "switch", "always"]
    units_per_second: Mapping[tuple[str, bool], Decimal]
    """By resolution and sound; a pair that is missing is not sold."""
    prompt_limit: int = 2500
    """Characters, on the new standard. The legacy one takes 2500 of every model."""
    image_prompt_limit: int = 2500
    """The same beside a first frame."""
    has_shots: bool = False
    """Whether it can cut between several shots; when it can, it does unless told not to."""

    @property
    def resolutions(self) -> list[str]:
        return list(dict.fromkeys(resolution for resolution, _ in self.units_per_second))


def _rates(silent: str = "", sound: str = "") -> Mapping[tuple[str, bool], Decimal]:
    """`720p 1080p 4k` rates in that order, `-` where there is none."""
    rates = {}
    for column, with_sound in ((silent, False), (sound, True)):
        for resolution, rate in zip(("720p", "1080p", "4k"), column.split(), strict=False):
            if rate != "-":
                rates[resolution, with_sound] = Decimal(rate)
    return MappingProxyType(rates)


_FRAMES: frozenset[Way] = frozenset({"text", "image"})
_OMNI: frozenset[Way] = frozenset({"omni"})
_FIVE_OR_TEN = frozenset({5, 10})
_THREE_TO_FIFTEEN = frozenset(range(3, 16))

MODELS = (
    KlingModel("kling-v3", "kling-3.0", _FRAMES, _THREE_TO_FIFTEEN, "switch",
               _rates("0.6 0.8 3.0", "0.9 1.2 3.0"), prompt_limit=3072, image_prompt_limit=3072, has_shots=True),
    KlingModel("kling-v3-omni", "kling-3.0-omni", _OMNI, _THREE_TO_FIFTEEN, "switch",
               _rates("0.6 0.8 3.0", "0.8 1.0 3.0"), prompt_limit=3072, image_prompt_limit=3072, has_shots=True),
    KlingModel(None, "kling-3.0-turbo", _FRAMES, _THREE_TO_FIFTEEN, "always", _rates(sound="0.8 1.0"),
               prompt_limit=3072),
    KlingModel("kling-video-o1", "kling-o1", _OMNI, _FIVE_OR_TEN, "never", _rates("0.6 0.8")),
    KlingModel("kling-v2-6", "kling-2.6", _FRAMES, _FIVE_OR_TEN, "switch", _rates("0.3 0.5", "- 1.0")),
    KlingModel("kling-v2-5-turbo", "kling-2.5-turbo", _FRAMES, _FIVE_OR_TEN, "never", _rates("0.3 0.5")),
)  # fmt: skip

BY_LEGACY_NAME = {model.legacy_name: model for model in MODELS if model.legacy_name}
BY_PATH_NAME = {model.path_name: model for model in MODELS}

RETIRED = frozenset({"kling-v1", "kling-v1-5", "kling-v1-6", "kling-v2-master", "kling-v2-1", "kling-v2-1-master"})
"""Stopped on 2026-09-15 by Kling's notice. A request that names no model means `kling-v1`, so it is refused as well."""
