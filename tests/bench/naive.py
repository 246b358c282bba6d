"""The benchmark's rules as a spreadsheet user writes them.

usage: python naive.py EXPORT CLAIMS ACTIVITIES
"""

import sys
from datetime import timedelta

import pandas as pd

EXPORT, CLAIMS, ACTIVITIES = sys.argv[1:]
COUNTED_STAFF = {
    "BCBSM": {"RN", "LMSW", "MA", "CHW", "NP"},
    "Priority Health": {"RN", "LMSW", "NP", "MD"},
    "Medicaid HMO": {"RN", "LMSW", "MA", "CHW", "NP"},
    "Medi-Cal ECM": {"RN", "LMSW", "CHW", "NP", "MD"},
}
log = pd.read_csv(EXPORT, parse_dates=["service_date"])
log["month"] = log["service_date"].dt.to_period("M")
outcomes: dict[str, tuple[str, str]] = {}
lines: list[tuple[object, ...]] = []


def decide(row: pd.Series) -> str:
    if row["kind"] not in ("care-coordination", "ecm-outreach"):
        return "left-out"
    if row["credential"] in COUNTED_STAFF[row["payer"]]:
        return "counted"
    return "held" if row["payer"] in ("BCBSM", "Medi-Cal ECM") else "left-out"


def bill_month(case: pd.DataFrame) -> None:
    payer, patient = case["payer"].iloc[0], case["patient_id"].iloc[0]
    counted = case[case["decided"] == "counted"]
    total = counted["minutes"].sum()
    first = 31 if payer == "BCBSM" else 60
    code = "99487" if total >= first else ""
    for row in case.itertuples():
        outcomes[row.activity_id] = (row.decided, code if row.decided == "counted" else "")
    if not code:
        return
    day = counted["service_date"].max().date()
    lines.append((payer, patient, code, "", "", day, 1))
    more = -(-max(total - 75, 0) // 30) if payer == "BCBSM" else (total - 60) // 30
    if payer == "Priority Health":
        more = min(more, 2)
    if more:
        lines.append((payer, patient, "99489", "", "", day, more))


def bill_outreach(case: pd.DataFrame) -> None:
    billed: list[object] = []
    units: dict[tuple[object, ...], int] = {}
    for row in case.itertuples():
        decided, code = row.decided, ""
        recent = [day for day in billed if row.service_date - day < timedelta(days=30)]
        if decided == "counted" and len(recent) >= 5:
            decided = "left-out"
        elif decided == "counted" and len(billed) >= 5:
            decided = "held"
        elif decided == "counted":
            billed.append(row.service_date)
            code = "G9012" if row.credential == "CHW" else "G9008"
            second = "" if row.mode == "in-person" else "GQ"
            line = (row.payer, row.patient_id, code, "U8", second, row.service_date.date())
            units[line] = units.get(line, 0) + 1
        outcomes[row.activity_id] = (decided, code)
    lines.extend((*line, count) for line, count in units.items())


log["decided"] = log.apply(decide, axis=1)
log["number"] = log["activity_id"].str[1:].astype(int)
log["payer_again"], log["patient_again"] = log["payer"], log["patient_id"]
outreach = log["payer"] == "Medi-Cal ECM"
keep = [name for name in log.columns if name not in ("payer_again", "patient_again")]
log[~outreach].groupby(["payer_again", "patient_again", "month"])[keep].apply(bill_month)
in_order = log[outreach].sort_values(["service_date", "start_time", "number"])
in_order.groupby("patient_again")[keep].apply(bill_outreach)
heading = ["payer", "patient_id", "code", "modifier_1", "modifier_2", "day", "units"]
pd.DataFrame(lines, columns=heading).to_csv(CLAIMS, index=False)
told = [(activity, *answer) for activity, answer in outcomes.items()]
pd.DataFrame(told, columns=["activity_id", "outcome", "code"]).to_csv(ACTIVITIES, index=False)
