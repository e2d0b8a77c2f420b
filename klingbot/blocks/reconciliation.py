"""What is said about Kling's bill: where it differs from the ledger, and what is left of the packs."""

from __future__ import annotations

from klingbot.blocks.message import Message, context, message, section, sections
from klingbot.blocks.text import code, name, neutral, plural, when
from klingbot.domain.money import show_number
from klingbot.domain.notifications import BillDiffers, PackEnding
from klingbot.domain.periods import Calendar
from klingbot.domain.reconciliation import BillFinding, Difference, UnitPack
from klingbot.engine.reconciliation import Books, Reconciled

_MEANINGS = {
    Difference.NO_JOB: "charged, and no job of the bot's: somebody used the Kling account beside it",
    Difference.OTHER_PRICE: "charged at another price than quoted: is the price list out of date?",
    Difference.NOT_BOOKED: "charged, and the ledger has another amount",
    Difference.NOT_BILLED: "settled at its quote, and nothing on the bill confirms it",
}


def books(outcome: Books, calendar: Calendar) -> Message:
    if not outcome.comparable:
        how = code("KLINGBOT_PRICE_LIST=kling-api")
        return message(section(f"The price list is not in Kling's units, so its bill cannot be compared. {how} is."))
    if outcome.last is None:
        return message(section("Kling's bill has not been read yet. Klingbot does so once a day."))
    found = [_finding(finding, calendar) for finding in outcome.findings]
    return message(
        section("*Kling's bill beside the ledger*", _last(outcome.last, calendar)),
        *sections([f"*{_found(len(found))}*", *found] if found else ["Nothing differs."]),
        *sections(["*Packs*", *([_pack(pack, calendar) for pack in outcome.packs] or ["None is in force."])]),
        context("What Kling says of its packs is up to 12 hours old"),
    )


def bill_differs(content: BillDiffers, calendar: Calendar) -> Message:
    return message(
        section(f"*🧾 Kling's bill and the ledger differ: {plural(content.new, 'new difference')}*"),
        *sections([_finding(finding, calendar) for finding in content.findings]),
        context("Nothing was changed in the ledger", f"all of them: {code('/kling reconcile')}"),
    )


def pack_ending(content: PackEnding, calendar: Calendar) -> Message:
    return message(
        section(
            "*🔋 A Kling pack is running out*",
            _pack(content.pack, calendar),
            "What is left at its end is lost. Without units, Kling refuses every job.",
        ),
        context("What Kling says of its packs is up to 12 hours old", f"all packs: {code('/kling reconcile')}"),
    )


def _last(last: Reconciled, calendar: Calendar) -> str:
    if last.problem:
        at = when(last.at, calendar, "It could not be read")
        return f"{at}: {neutral(last.problem)} Klingbot tries again later."
    charged = f"{plural(last.charges, 'charge')}, {_units(last.billed)}" if last.charges else "no charge in units"
    return f"{when(last.at, calendar, 'Compared')}: {charged} {when(last.since, calendar, 'since')}."


def _found(number: int) -> str:
    return f"{plural(number, 'difference')} in the last 30 days, newest first"


def _finding(finding: BillFinding, calendar: Calendar) -> str:
    what = f"job {code(finding.job_id)}" if finding.job_id else f"Kling's task {code(finding.task_id or '')}"
    key = f", API key “{name(finding.api_key_name)}”" if finding.api_key_name else ""
    model = f" ({name(finding.model)}{key})" if finding.model else ""
    return f"• {what}{model}, {when(finding.at, calendar, 'of')}: {_amounts(finding)} – {_MEANINGS[finding.difference]}"


def _amounts(finding: BillFinding) -> str:
    booked = "" if finding.booked is None else _units(finding.booked)
    if finding.billed is None:
        return f"booked {booked}"
    other = "quoted" if finding.difference is Difference.OTHER_PRICE else "booked"
    return f"billed {_units(finding.billed)}" + (f", {other} {booked}" if booked else "")


def _pack(pack: UnitPack, calendar: Calendar) -> str:
    share = f"{pack.left * 1000 // pack.total / 10:.1f}%" if pack.total else "0.0%"
    left = f"{show_number(pack.left)} of {_units(pack.total)} left ({share})"
    return f"• {name(pack.name or pack.id)}: {left}, {when(pack.ends_at, calendar, 'ends')}"


def _units(millicredits: int) -> str:
    return f"{show_number(millicredits)} unit" + ("" if millicredits == 1000 else "s")
