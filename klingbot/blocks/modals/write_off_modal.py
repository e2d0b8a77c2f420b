"""The form that asks an admin why nobody waits for a job any more, before its hold is given back in their name."""

from __future__ import annotations

import json

from klingbot.blocks.jobs import product
from klingbot.blocks.message import section
from klingbot.blocks.modals import view
from klingbot.blocks.modals.view import View, field
from klingbot.blocks.text import code, mention
from klingbot.domain.jobs import Job

WRITE_OFF = "job.write_off"
LONGEST_REASON = 500


def write_off(job: Job, response_url: str | None) -> View:
    """`response_url` is of the message whose button opened it, and comes back with the form."""
    return View(
        WRITE_OFF,
        "Write this job off?",
        "Write off",
        (
            section(
                f"Job {code(job.id)}: {product(job)}, asked for by {mention(job.user_id)}",
                f"Its hold of {job.quote} is given back in your name. Kling may still make the video, and charge it.",
            ),
            field(
                "reason",
                "Why does nobody wait any more?",
                view.text_input(most=LONGEST_REASON, lines=True, example="Kling was down for days"),
                hint="It stays in the ledger beside your name, and whoever asked for the video reads it.",
            ),
        ),
        json.dumps({"job": job.id, "response_url": response_url}),
    )
