"""How the help of every command looks: examples first, options in panels, exit codes last."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable
from typing import Any, TypeVar

import typer
from typer.core import TyperCommand, TyperGroup

from ccbill.errors import Exit

HELP = "Help"
_Called = TypeVar("_Called", bound=Callable[..., Any])
_ABOUT_ITSELF = ("help", "version", "debug", "install_completion", "show_completion")
_SAID = {
    Exit.DONE: "done; exceptions may exist",
    Exit.FOUND: "",
    Exit.REFUSED: "usage, configuration or rule file refused; nothing written",
    Exit.INPUT: "an input cannot be used; nothing written",
    Exit.OUTPUT: "output or ledger could not be written or read; what was there is intact",
    Exit.FAULT: "a fault in ccbill itself; nothing recorded",
    Exit.BUSY: "another run holds the ledger; try again",
}
_STOPPED = (Exit.HANG_UP, Exit.INTERRUPTED, Exit.TERMINATED)


def _nothing(ctx: Any) -> None:  # noqa: ARG001  (it is called by this name)
    return None


def exits(*codes: Exit, found: str = "") -> str:
    """The end of a command's help: its exit codes, those that every command has among them.

    `found` says what 1 means where the command has it.
    """
    usual = {Exit.DONE, Exit.REFUSED, Exit.FAULT, *codes, *([Exit.FOUND] if found else [])}
    said = [f"{code:>3}  {_SAID[code] or found}" for code in sorted(usual)]
    stopped = ", ".join(str(int(code)) for code in _STOPPED)
    return "\n".join(["[bold]Exit codes[/bold]", *said, f"{stopped}  stopped by a signal"])


class _Readable:
    """What the help of a command and of a group of commands have in common."""

    def get_params(self, ctx: Any) -> list[Any]:
        """The parameters, with those about the command itself in a panel of their own."""
        params: list[Any] = super().get_params(ctx)  # type: ignore[misc]
        for param in params:
            if getattr(param, "is_flag", False):
                param.metavar = ""  # it takes no value, so that it needs no word for one
            elif param.param_type_name == "argument":
                param.display_type_rich = _nothing  # its name says what it is
            if param.name in _ABOUT_ITSELF:
                param.rich_help_panel = HELP
        return params

    def get_usage(self, ctx: Any) -> str:
        """The usage line, without braces round what is needed."""
        usage: str = super().get_usage(ctx)  # type: ignore[misc]
        return re.sub(r"\{([^{}]*)\}", r"\1", usage)

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """Prints the help; without escape codes in a pipe and where `NO_COLOR` asks for none."""
        from typer import rich_utils  # noqa: PLC0415  (only where help is shown)

        rich_utils.STYLE_HELPTEXT = ""  # examples are to be read, not to be dim
        plain = os.environ.get("NO_COLOR") or not sys.stdout.isatty()
        rich_utils.COLOR_SYSTEM = None if plain else "auto"
        super().format_help(ctx, formatter)  # type: ignore[misc]


class Command(_Readable, TyperCommand):
    """A command whose help is readable."""


class Group(_Readable, TyperGroup):
    """A group of commands whose help is readable."""


def command(
    app: typer.Typer, name: str, *codes: Exit, found: str = "", panel: str | None = None
) -> Callable[[_Called], _Called]:
    """Makes a function a command of the app; `codes` and `found` are as for `exits`."""
    return app.command(name, cls=Command, epilog=exits(*codes, found=found), rich_help_panel=panel)
