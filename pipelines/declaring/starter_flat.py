"""A starter declaration of one file without clocks: a target, and what the file cannot tell."""

from pipelines.declaring.column_inference import times_in_order
from pipelines.declaring.column_lines import ColumnPlace, show_facts, source_key
from pipelines.declaring.deal_clocks import closed_headers, explain_misfit
from pipelines.declaring.file_facts import FileFacts, status_lines
from pipelines.declaring.yaml_text import column_line, flow, framework_line

_OUTCOME = "outcome"  # name of the target that is made of flags


def flat_lines(facts: FileFacts) -> list[str]:
    """A target and the columns of one table of leads."""
    created = facts.created
    lines = [
        *_flat(facts, created),
        "tables:",
        "  leads:",
        *facts.location_lines(indent=4),
        "    columns:",
    ]

    own: dict[str, tuple[str, dict[str, object]]] = {}
    if created is not None:
        kind: dict[str, object] = {"type": str(facts.guesses[created].type)}
        form = {"time_format": facts.dates[created]} if created in facts.dates else {}
        own[created] = ("clock: orders the rows", kind | form)
    if facts.lead_id is not None:
        own[facts.lead_id] = ("the id that worklist, cards and exports show", {"type": "id"})
    done, made = {}, facts.status is not None and facts.status.flags is not None
    if facts.status is not None and not made:
        own[facts.status.header] = ("the target", {})
    for header, (why, kind) in own.items():
        name, guess = facts.names[header], facts.guesses[header]
        keys = source_key(name, guess) | kind | {"role": "display"}
        done[header] = [column_line(name, keys, f"{why}; {show_facts(guess)}")]
    if facts.status is not None and made:
        lines.append(column_line(_OUTCOME, {"from": facts.status.header, "role": "display"}, "the target"))
    lines += facts.attribute_lines(ColumnPlace(indent=6), done)
    return [*lines, "", framework_line(), "capacity: {share: 0.1} # share of the leads sales can work"]


def _flat(facts: FileFacts, created: str | None) -> list[str]:
    status, names = facts.status, facts.names
    lines = ["flat:"]
    if status is None:
        lines.append("  target: {column: target, won: [won], lost: [lost]}")
    elif status.flags is not None:
        lines += ["  target:", f"    column: {_OUTCOME}", *status_lines(status, indent=4)]
    elif status.disqualified or status.open or status.unplaced:
        lines += ["  target:", f"    column: {names[status.header]}", *status_lines(status, indent=4)]
    else:
        target = {
            "column": names[status.header],
            "won": status.meanings["won"],
            "lost": status.lost,
        }
        lines.append(f"  target: {flow(target)}")

    if created is not None:
        lines.append(f"  order: {names[created]} # later rows judge what earlier rows taught")
    elif in_order := times_in_order(facts.frame, facts.guesses):
        lines += [
            f"  # order: {names[header]} # the file lies in its order; if a lead came in then, use it"
            for header in in_order
        ]
    else:
        lines.append("  # order: row # if the rows are in order of time; without it drift cannot be seen")
    lines += [f"  # {text}" for text in _cost_in_words(facts, created)]

    lines.append("  # group: identical_inputs # or a column, e.g. the account, if rows belong together")
    if facts.lead_id is not None:
        lines.append(f"  lead_id: {names[facts.lead_id]}")
    return [*lines, ""]


def _cost_in_words(facts: FileFacts, created: str | None) -> list[str]:
    """What a file without clocks cannot tell, and what would be needed."""
    missing = [] if facts.lead_id is not None else ["an id that tells rows apart (leads are named by their row)"]
    if created is None:
        missing.append("when a lead came in (no order in time: drift cannot be seen, figures are likely too good)")
    closed = closed_headers(facts.guesses)
    if not closed:
        missing.append(
            "when it closed (no horizon: the chance is to be won at all, and of young leads only the quick ones teach)"
        )
    elif created is not None and facts.lead_id is not None and facts.status is not None:
        why = explain_misfit(facts.frame, facts.guesses, facts.status)
        missing.append(f"when nearly all closed rows closed: {why or 'there are too few dates'}")
    return [f"Without clocks, as the file does not say {text}." for text in missing]
