"""What outbox messages say survives the database: every content comes back from JSON as it went in."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from klingbot.domain.notifications import KINDS, Content, JobFailed, SubmittingResumed, from_json, kind_of, to_json

unhurried = settings(deadline=None, max_examples=30)


def through_the_database(content: Content) -> Content:
    return from_json(kind_of(content), json.loads(json.dumps(to_json(content))))


@pytest.mark.parametrize("kind", KINDS)
@unhurried
@given(data=st.data())
def test_every_content_comes_back_as_it_went_in(kind: str, data: st.DataObject) -> None:
    content = data.draw(st.from_type(KINDS[kind]))
    back = through_the_database(content)
    assert back == content
    assert types_of(back) == types_of(content)


def types_of(content: Content) -> Any:
    """StrEnums and bools equal plain values, so equality alone does not show that they came back as themselves."""
    return _types(asdict(content))


def _types(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _types(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return type(value), [_types(each) for each in value]
    return type(value)


def test_every_kind_of_content_has_a_name_of_its_own() -> None:
    assert len(set(KINDS.values())) == len(KINDS)


def test_an_unknown_kind_is_a_key_error() -> None:
    with pytest.raises(KeyError):
        from_json("singing telegram", {})


def test_a_message_without_a_field_it_needs_is_a_key_error() -> None:
    with pytest.raises(KeyError):
        from_json("submitting resumed", {})


@unhurried
@given(st.from_type(JobFailed))
def test_a_message_queued_before_a_field_with_a_default_existed_is_still_read(content: JobFailed) -> None:
    kept = json.loads(json.dumps(to_json(content)))
    del kept["job"]["tries"]
    assert from_json("job failed", kept) == JobFailed(replace(content.job, tries=0))


def test_a_field_of_a_newer_version_is_passed_over() -> None:
    assert from_json("submitting resumed", {"reason": "no units", "mood": "good"}) == SubmittingResumed("no units")
