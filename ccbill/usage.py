"""What is wrong with the words of a command line, in the shape of every other message."""

from __future__ import annotations

import re
from typing import Any

from ccbill.errors import CcbillError, Exit, Message, did_you_mean, nearest

NOTHING = "Nothing was read or written."
_NUMBER = re.compile(r"'[^']*' is not a valid (?:int|float)\w*(?: range)?")
_LEAST = re.compile(r"\S+ is not in the range x>=(\S+)")
_CHOICE = re.compile(r"'(?P<given>[^']*)' is not one of (?P<known>'.*')")


def error(fault: Exception) -> CcbillError | None:
    """The refusal of a command line that Typer does not understand; None for any other fault.

    Typer exports no name for such errors; each has a sentence of its own, and most know which
    command they are about. One for a command without words has shown the help in place of one.
    """
    if not hasattr(fault, "format_message"):
        return None
    if type(fault).__name__ == "NoArgsIsHelpError":
        return CcbillError(Exit.REFUSED)
    context: Any = getattr(fault, "ctx", None)
    command = context.command_path if context else "ccbill"
    what, fix = _told(fault, context)
    look = f"{command} -h shows what there is"
    return CcbillError(Exit.REFUSED, Message(command, what, NOTHING, f"{fix} {look}".strip()))


def _told(fault: Any, context: Any) -> tuple[str, str]:
    """What is wrong, and the nearest word that would not be."""
    if hasattr(fault, "possibilities") and hasattr(fault, "option_name"):
        known = [word for each in context.command.get_params(context) for word in each.opts]
        near = nearest(fault.option_name, [word for word in known if word.startswith("--")])
        return f"there is no option {fault.option_name}", f"did you mean {near}?" if near else ""
    said = str(fault.format_message()).rstrip(".")
    said = said[0].lower() + said[1:]
    what, _, suggestion = said.partition(". Did you mean ")
    if suggestion:
        return what, f"did you mean {suggestion}"
    if found := _CHOICE.search(what):
        fix = did_you_mean(found["given"], re.findall("'([^']*)'", found["known"]))
        return what, fix if fix.endswith("?") else f"{fix};"
    if what.startswith("got unexpected extra"):  # and shows them, which may be a patient's id
        return "there are more words than it takes", ""
    return _LEAST.sub(r"it is less than \1", _NUMBER.sub("it is not a number", what)), ""
