"""The benchmark's rules as one Polars script: python lazy.py EXPORT CLAIMS ACTIVITIES"""

import sys

import polars as pl
from polars import col, lit, when

EXPORT, CLAIMS, ACTIVITIES = sys.argv[1:]
ECM = "Medi-Cal ECM"
CASE = ["payer", "patient_id", "month"]
LINE = ["payer", "patient_id", "code", "modifier_1", "modifier_2", "day", "units"]

held, left_out, counted = lit("held"), lit("left-out"), lit("counted")
payer, staff = col("payer"), col("credential")
outcome = (
    when(payer == ECM)
    .then(when(staff == "MA").then(held).otherwise(counted))
    .when(col("kind") != "care-coordination")
    .then(left_out)
    .when(payer == "BCBSM")
    .then(when(staff == "MD").then(held).otherwise(counted))
    .when(payer == "Priority Health")
    .then(when(staff.is_in(["MA", "CHW"])).then(left_out).otherwise(counted))
    .otherwise(when(staff == "MD").then(left_out).otherwise(counted))
)
rows = pl.read_csv(EXPORT, infer_schema=False).select(
    "activity_id",
    "patient_id",
    "payer",
    "start_time",
    "mode",
    "credential",
    col("service_date").str.to_date("%Y-%m-%d").alias("day"),
    col("service_date").str.head(7).alias("month"),
    col("minutes").cast(pl.Int32),
    col("activity_id").str.tail(-1).cast(pl.Int32).alias("number"),
    outcome.alias("outcome"),
)
is_counted = col("outcome") == "counted"

cases = rows.filter(is_counted, payer != ECM).group_by(CASE)
cases = cases.agg(col("day").max(), col("minutes").sum().alias("total"))
reached = col("total") >= when(payer == "BCBSM").then(31).otherwise(60)
beyond = (col("total") - 60).clip(0) // 30
further = (
    when(payer == "BCBSM")
    .then(((col("total") - 75).clip(0) + 29) // 30)
    .when(payer == "Priority Health")
    .then(beyond.clip(0, 2))
    .otherwise(beyond)
)
base = cases.filter(reached).with_columns(code=lit("99487"), units=lit(1, pl.Int32))
addon = cases.with_columns(code=lit("99489"), units=further.cast(pl.Int32)).filter(col("units") > 0)
blank = {"modifier_1": lit(""), "modifier_2": lit("")}
time_lines = pl.concat([base, addon]).with_columns(**blank).select(LINE)

attempts = rows.filter(is_counted, payer == ECM).sort("patient_id", "day", "start_time", "number")
attempts = attempts.with_columns(
    code=when(staff == "CHW").then(lit("G9012")).otherwise(lit("G9008")),
    modifier_1=lit("U8"),
    modifier_2=when(col("mode") == "in-person").then(lit("")).otherwise(lit("GQ")),
    place=col("day").cum_count().over("patient_id"),
    first_day=col("day").first().over("patient_id"),
)
billed = attempts.filter(col("place") <= 5).group_by(LINE[:-1]).agg(pl.len().alias("units"))
pl.concat([time_lines, billed.select(*LINE[:-1], col("units").cast(pl.Int32))]).write_csv(CLAIMS)

early = (col("day") - col("first_day")).dt.total_days() < 30
told = attempts.with_columns(
    outcome=when(col("place") <= 5).then(counted).when(early).then(left_out).otherwise(held),
    code=when(col("place") <= 5).then(col("code")),
)
others = rows.filter(~(is_counted & (payer == ECM)))
others = others.join(base.select(*CASE, "code"), on=CASE, how="left")
others = others.with_columns(code=when(is_counted).then(col("code")))
answer = ["activity_id", "outcome", "code"]
pl.concat([told.select(answer), others.select(answer)]).write_csv(ACTIVITIES)
