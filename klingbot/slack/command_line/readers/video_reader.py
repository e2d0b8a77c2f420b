"""What is said of videos and jobs. Pure."""

from __future__ import annotations

from klingbot.slack.command_line import flags, people_and_scopes, values
from klingbot.slack.command_line.mistakes import MistakeError
from klingbot.slack.command_line.parsed_command import Asked, job_id, only
from klingbot.slack.command_line.types import (
    Cancel,
    CancelWaiting,
    Command,
    Generate,
    Jobs,
    KeepWaiting,
    Options,
    Quote,
    Thaw,
    UserRef,
    WriteOff,
)

LONGEST_REASON = 300


def options(asked: Asked) -> Options:
    sound = asked.flags.get("audio")
    audio = flags.is_on(sound)
    return Options(
        prompt=values.prose("prompt", asked.prompt),
        duration_seconds=asked.read("duration", values.duration),
        model=asked.read("model", values.lowered),
        resolution=asked.read("resolution", values.lowered),
        audio=audio,
        silent=sound is not None and not audio,
        aspect=asked.read("aspect", values.aspect),
        negative=asked.read("negative", values.negative),
        image_url=asked.read("image", values.image_url),
        project=asked.read("project", people_and_scopes.project_name),
    )


def generate(asked: Asked) -> Command:
    return Generate(options(asked))


def quote(asked: Asked) -> Command:
    return Quote(options(asked))


def jobs(asked: Asked) -> Command:
    only(asked.words, 1)
    if not asked.words:
        return Jobs()
    if values.lowered(asked.words[0].text) == "all":
        return Jobs(everybody=True)
    whose = people_and_scopes.scope(asked.words[0].text)
    if isinstance(whose, UserRef):
        return Jobs(whose)
    raise MistakeError("Whose jobs? Write /kling jobs for yours, @ and a person's name, or all.")


def cancel(asked: Asked) -> Command:
    job = job_id(asked)
    only(asked.words, 1)
    return CancelWaiting() if job == "waiting" else Cancel(job)


def keep_waiting(asked: Asked) -> Command:
    job = job_id(asked)
    only(asked.words, 1)
    return KeepWaiting(job)


def write_off(asked: Asked) -> Command:
    job = job_id(asked)
    reason = " ".join(asked.prompt.split()[1:])
    if not reason:
        raise MistakeError("The reason is missing. It stays in the ledger beside your name: say why nobody waits.")
    if len(reason) > LONGEST_REASON:
        raise MistakeError(f"The reason is {len(reason):,} characters long. Say it in {LONGEST_REASON}.")
    return WriteOff(job, reason)


def thaw(asked: Asked) -> Command:
    only(asked.words, 0)
    return Thaw()
