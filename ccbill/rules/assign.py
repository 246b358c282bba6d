"""Activities → decisions: the plan, the service, the answer and the units of every row.

The order of one plan's work: whole kinds left out or held, services take activities, screens are
asked, groups earn, limits cut. Nothing is computed twice for the explanation: a `Decision` keeps
the number of each row's answer, and the lines keep the group that earned them.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np

from ccbill.problems import PROBLEMS
from ccbill.rules.bill import bill_service, note_beside
from ccbill.rules.decisions import Decisions, Work
from ccbill.rules.edits import apply_edits
from ccbill.rules.facts import Facts, matches_any
from ccbill.rules.model import Plan, Screen, Service
from ccbill.rules.prior import History, with_prior
from ccbill.rules.screen import Answer, Verdicts, ask, ask_training, first_counted
from ccbill.slices import parted, taken
from ccbill.tables import UNKNOWN, Ints, Mask, Outcome

THREADS = 2  # that decide plans of a long log side by side
ROWS = 1 << 16  # of such a log


def first_days(
    facts: Facts, plans: Sequence[Plan], plan_of_row: Ints, history: History | None
) -> dict[tuple[str, str], int]:
    """The first counted day of each staff member among these activities, by plan and staff id, in
    the plans that ask for training. Of a log it is the earliest that any of its rows shows."""
    found = {}
    for work, first, mine in _begun(facts, plans, plan_of_row, history)[2]:
        if asks_training(work.plan, facts.given):
            found.update(_first_counted(work, _screened(work, first, mine)))
    return found


def asks_training(plan: Plan, given: Collection[str]) -> bool:
    """Whether a row's answer may hang on when its staff member's work first counted."""
    return "training_date" in given and any(s.verb == "trained" for s in plan.screens)


def assign(
    facts: Facts,
    plans: Sequence[Plan],
    plan_of_row: Ints,
    history: History | None = None,
    seen: Callable[[Answer, Ints], None] | None = None,
    waiting: Mask | None = None,
) -> Decisions:
    """Every row's answer, and what each group of rows bills.

    `plan_of_row` numbers `plans`, -1 where the row's payer has none. Rows with a problem of their
    own (`activities.problem`) keep it and are not asked. Limits look back to `history`. `seen` gets
    every answer with its rows. Rows that are `waiting` are held, and what they would add is at
    stake.
    """
    verdicts, decisions, works = _begun(facts, plans, plan_of_row, history, seen, waiting)
    by_size = sorted(works, key=lambda begun: len(begun[2]), reverse=True)
    if len(plan_of_row) < ROWS:
        for begun in by_size:
            _bill_plan(*begun)
    else:
        with ThreadPoolExecutor(THREADS) as threads:
            list(threads.map(lambda begun: _bill_plan(*begun), by_size))
    _settle(verdicts, decisions, [work for work, _, _ in works])
    return decisions


def _begun(
    facts: Facts,
    plans: Sequence[Plan],
    plan_of_row: Ints,
    history: History | None,
    seen: Callable[[Answer, Ints], None] | None = None,
    waiting: Mask | None = None,
) -> tuple[Verdicts, Decisions, list[tuple[Work, int, Ints]]]:
    """What is known before a rule is asked; and of each plan with rows its work, the number of its
    first service, and the rows that its rules are asked of."""
    rows = len(facts.activities)
    facts, prior = with_prior(facts, history, plans)
    verdicts = Verdicts.of(len(facts.activities), seen)
    decisions = Decisions(
        plans=plans,
        services=[(plan, service) for plan in plans for service in plan.services],
        plan=plan_of_row,
        service=np.full(rows, -1, np.int16),
        answer=np.zeros(rows, np.int16),
        book=verdicts.book,
    )
    fine = _intake_problems(verdicts, facts, _left_out_by_kind(facts, plans, plan_of_row))[:rows]
    why = "no plan has this payer's name"
    verdicts.say(
        Answer(Outcome.HELD, "payer-not-known", "", why, ""),
        np.flatnonzero(fine & (plan_of_row < 0)),
    )
    if waiting is not None:
        verdicts.say(Answer(Outcome.HELD, "waiting", "", "", ""), np.flatnonzero(waiting))
    works, first = [], 0
    for number, plan in enumerate(plans):
        mine = np.flatnonzero(fine & (plan_of_row == number))
        if len(mine):
            known = facts.of_plan(np.concatenate([mine, prior.of_plan(plan)]))
            own = replace(
                decisions, billed=[], encounters=[], short=[], stakes=[], first_counted={}
            )
            works.append((Work(plan, known, verdicts.apart(), own, prior), first, mine))
        first += len(plan.services)
    return verdicts, decisions, works


def _settle(verdicts: Verdicts, decisions: Decisions, works: Sequence[Work]) -> None:
    """Folds the answers of each row into one: a no, else an unknown, else the service's yes.

    What the plans decided, each with a book of its own, comes together in the order of plans.
    """
    common = len(verdicts.book)
    more = np.zeros(len(decisions.plans) + 1, np.int16)  # by which a plan's own numbers grow
    names = [plan.name for plan in decisions.plans]
    for work in works:
        more[names.index(work.plan.name)] = len(verdicts.book) - common
        verdicts.book.extend(work.verdicts.book[common:])
        for name in ("billed", "encounters", "short", "stakes"):
            getattr(decisions, name).extend(getattr(work.decisions, name))
        decisions.first_counted.update(work.decisions.first_counted)
    counted = [
        verdicts.number(Answer(Outcome.COUNTED, "", s.file, s.title, s.cite))
        for _, s in decisions.services
    ]
    read = len(decisions.answer)
    left, held = verdicts.left[:read], verdicts.held[:read]
    yes = taken(np.array([*counted, 0], np.int16), decisions.service)  # of no service: nothing
    found = np.where(left > 0, left, held)
    found += np.where(found < common, 0, taken(more, decisions.plan))
    decisions.answer[:] = np.where(found > 0, found, yes)
    assert (decisions.answer > 0).all(), "a row was given no answer"


def _left_out_by_kind(facts: Facts, plans: Sequence[Plan], plan_of_row: Ints) -> Mask:
    """The rows whose kind of work their plan leaves out, whatever their mode is."""
    kinds, codes = facts.categories("kind"), facts.codes("kind")
    out = np.zeros((len(plans) + 1, len(kinds) + 1), bool)  # the last are of no plan, and of none
    for number, plan in enumerate(plans):
        for rule in plan.kind_rules:
            if not rule.holds:
                out[number, :-1] |= np.isin(kinds, [*rule.kinds])
    found = np.zeros(len(codes), bool)
    place = plan_of_row.astype(np.int32) * out.shape[1] + codes[: len(plan_of_row)]
    found[: len(plan_of_row)] = taken(out.ravel(), place)
    return found


def _intake_problems(verdicts: Verdicts, facts: Facts, left_out_by_kind: Mask) -> Mask:
    """Gives rows that intake holds or leaves out their answers, and says which are fine.

    A mode that is not known changes nothing where the plan leaves out the kind of work.
    """
    codes = facts.codes("problem").copy()
    for code, problem in enumerate(facts.categories("problem")):
        if problem == "mode-not-known":
            codes[(codes == code) & left_out_by_kind] = -1
    left_out = facts.activities["left_out"].to_numpy()
    for code, problem in enumerate(facts.categories("problem")):
        hit = codes == code
        held = Answer(Outcome.HELD, problem, "", PROBLEMS[problem].says, "")
        verdicts.say(held, np.flatnonzero(hit & ~left_out))
        verdicts.say(replace(held, outcome=Outcome.LEFT_OUT), np.flatnonzero(hit & left_out))
    return codes < 0


def _bill_plan(work: Work, first: int, mine: Ints) -> None:
    """Answers all the activities of one plan, whose services are numbered from `first`."""
    plan = work.plan
    of_services = _screened(work, first, mine)
    work.decisions.first_counted.update(_first_counted(work, of_services))
    _ask_training(work, first, of_services)

    def yields(number: int) -> bool:
        return any(limit.not_with for limit in plan.services[number - first].limits)

    # A service that yields to another's codes waits until those are known.
    for number in sorted(of_services, key=yields):
        bill_service(work, plan.services[number - first], of_services[number])
    if plan.edits:
        apply_edits(work)
    note_beside(work)


def _screened(work: Work, first: int, mine: Ints) -> dict[int, Ints]:
    """The activities that each service takes, by its number, after all that is asked of each one
    alone."""
    facts, verdicts, plan = work.facts, work.verdicts, work.plan
    of_services = _route(work, first, mine)
    for number, rows in of_services.items():
        service = plan.services[number - first]
        if service.uses_minutes:
            blank = rows[facts.numbers("seconds")[rows] == UNKNOWN]
            why = "the rule counts time"
            verdicts.say(
                Answer(Outcome.HELD, "minutes-missing", service.file, why, service.cite), blank
            )
        for screen in _row_screens(plan, service):
            ask(verdicts, facts, screen, service, rows, work.prior.of(plan, service).rows)
    return of_services


def _first_counted(work: Work, of_services: dict[int, Ints]) -> dict[tuple[str, str], int]:
    """The first day of each staff member's work that passes, by plan and staff id, if the plan asks
    for training."""
    plan = work.plan
    if not asks_training(plan, work.facts.given):
        return {}
    before = {s: day for (name, s), day in work.prior.first_counted.items() if name == plan.name}
    found = first_counted(work.verdicts, work.facts, [*of_services.values()], before)
    return {(plan.name, staff): day for staff, day in found.items()}


def _row_screens(plan: Plan, service: Service) -> list[Screen]:
    screens = (*service.screens, *plan.screens)
    return [s for s in screens if s.verb not in ("someone", "trained")]


def _route(work: Work, first: int, mine: Ints) -> dict[int, Ints]:
    """The activities that each service takes, by its number; the rest are left out or held."""
    facts, verdicts, plan = work.facts, work.verdicts, work.plan
    kind = facts.codes("kind")
    kinds = facts.categories("kind")
    free = mine
    for rule in plan.kind_rules:
        hit = np.append([k in rule.kinds for k in kinds], False).astype(bool)[kind[free]]
        theirs, free = parted(free, hit)
        outcome = Outcome.HELD if rule.holds else Outcome.LEFT_OUT
        where = f"{plan.name}/payer.toml"
        verdicts.say(Answer(outcome, rule.problem, where, rule.why, rule.cite), theirs)
    of_services = {}
    day = facts.numbers("service_date")
    for number, service in enumerate(plan.services, first):
        fits = matches_any(facts, free, service.takes)
        if fits.any():
            fits &= (day[free] >= service.first_day) & (day[free] <= service.last_day)
            of_service, free = parted(free, fits)
            if len(of_service):
                of_services[number] = of_service
                work.decisions.service[of_service] = number
    why = "no rule of the plan speaks of this kind of work on this date"
    verdicts.say(Answer(Outcome.HELD, "no-rule-in-force", f"{plan.name}/payer.toml", why, ""), free)
    return of_services


def _ask_training(work: Work, first: int, of_services: dict[int, Ints]) -> None:
    plan, days = work.plan, work.decisions.first_counted
    for screen in plan.screens:
        if screen.verb == "trained":
            by_service = [(plan.services[n - first], rows) for n, rows in of_services.items()]
            since = {staff: day for (name, staff), day in days.items() if name == plan.name}
            ask_training(work.verdicts, work.facts, screen, by_service, since)
