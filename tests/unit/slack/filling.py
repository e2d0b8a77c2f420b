"""Forms as people fill them in: what Slack tells the bot of a view, and what it is answered with."""

from __future__ import annotations

import json
from typing import Any


def block(view: dict[str, Any], name: str) -> dict[str, Any]:
    (found,) = [each for each in view["blocks"] if each.get("block_id", "").partition(":")[0] == name]
    return dict(found)


def names(view: dict[str, Any]) -> list[str]:
    return [each["block_id"].partition(":")[0] for each in view["blocks"] if "block_id" in each]


def chosen(view: dict[str, Any], name: str) -> str:
    return str(block(view, name)["element"]["initial_option"]["value"])


def text(view: dict[str, Any]) -> str:
    return "\n".join(each["text"]["text"] for each in view["blocks"] if each["type"] == "section")


def state(view: dict[str, Any], /, **filled: Any) -> dict[str, Any]:
    """What Slack tells of the fields: those that were touched as they are filled in, the others as they began."""
    values: dict[str, Any] = {}
    for each in view["blocks"]:
        if each["type"] != "input":
            continue
        name, element = each["block_id"].partition(":")[0], each["element"]
        values[each["block_id"]] = {"field": _said(element, filled[name]) if name in filled else _untouched(element)}
    return {"values": values}


def as_slack_has_it(view: dict[str, Any], /, **filled: Any) -> dict[str, Any]:
    return {**view, "id": "V0FORM0001", "hash": "1.a", "state": state(view, **filled)}


def choose(person: Any, view: dict[str, Any], /, *, at: str = "1.0", **filled: Any) -> None:
    body = {
        "type": "block_actions",
        "container": {"type": "view", "view_id": "V0FORM0001"},
        "view": as_slack_has_it(view, **filled),
        "actions": [{"type": "static_select", "action_id": "field", "block_id": "model", "action_ts": at}],
    }
    assert person.acts(body).status == 200


def answer(person: Any, view: dict[str, Any], urls: list[Any] | None = None, /, **filled: Any) -> dict[str, Any]:
    """What Slack is told to do with the form; nothing when it closes."""
    body = {"type": "view_submission", "view": as_slack_has_it(view, **filled), "response_urls": urls or []}
    response = person.acts(body)
    assert response.status == 200
    return dict(json.loads(response.body)) if response.body else {}


def submit(person: Any, view: dict[str, Any], urls: list[Any] | None = None, /, **filled: Any) -> dict[str, str]:
    """What is shown below the fields, by their names; nothing when the form was taken."""
    said = answer(person, view, urls, **filled)
    if not said:
        return {}
    assert said["response_action"] == "errors"
    assert said["errors"].keys() <= state(view)["values"].keys(), "Slack takes errors only for blocks that are there"
    return {name.partition(":")[0]: sentence for name, sentence in said["errors"].items()}


def _said(element: dict[str, Any], given: Any) -> dict[str, Any]:
    match element["type"]:
        case "static_select":
            picked = [option for option in element["options"] if option["value"] == given]
            said = {"selected_option": picked[0] if picked else element["initial_option"]}
        case "checkboxes":
            ticked = [given] if isinstance(given, str) else given
            said = {"selected_options": [each for each in element["options"] if each["value"] in (ticked or ())]}
        case kind:
            said = {_NAMES.get(kind, "value"): given}
    return {"type": element["type"], **said}


def _untouched(element: dict[str, Any]) -> dict[str, Any]:
    match element["type"]:
        case "static_select":
            said = {"selected_option": element.get("initial_option")}
        case "checkboxes":
            said = {"selected_options": element.get("initial_options", [])}
        case "multi_users_select":
            said = {"selected_users": element.get("initial_users", [])}
        case kind:
            told = _NAMES.get(kind, "value")
            said = {told: element.get(told.replace("selected_", "initial_") if told != "value" else "initial_value")}
    return {"type": element["type"], **said}


_NAMES = {
    "users_select": "selected_user",
    "multi_users_select": "selected_users",
    "conversations_select": "selected_conversation",
    "datepicker": "selected_date",
    "timepicker": "selected_time",
}
