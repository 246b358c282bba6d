"""The benchmark's rules as one DuckDB script: python sql.py EXPORT CLAIMS ACTIVITIES"""

import sys

import duckdb

EXPORT, CLAIMS, ACTIVITIES = sys.argv[1:]
SQL = f"""
CREATE TABLE rows AS
SELECT *, strftime(service_date, '%Y-%m') AS month, CASE
    WHEN payer = 'Medi-Cal ECM' THEN
        CASE WHEN credential = 'MA' THEN 'held' ELSE 'counted' END
    WHEN kind <> 'care-coordination' THEN 'left-out'
    WHEN payer = 'BCBSM' THEN CASE WHEN credential = 'MD' THEN 'held' ELSE 'counted' END
    WHEN payer = 'Priority Health' THEN
        CASE WHEN credential IN ('MA', 'CHW') THEN 'left-out' ELSE 'counted' END
    ELSE CASE WHEN credential = 'MD' THEN 'left-out' ELSE 'counted' END
    END AS outcome_now
FROM read_csv('{EXPORT}', header = true, columns = {{
    'activity_id': 'VARCHAR', 'patient_id': 'VARCHAR', 'payer': 'VARCHAR', 'service_date': 'DATE',
    'start_time': 'VARCHAR', 'minutes': 'INTEGER', 'kind': 'VARCHAR', 'mode': 'VARCHAR',
    'staff_id': 'VARCHAR', 'credential': 'VARCHAR', 'outcome': 'VARCHAR',
    'billing_npi': 'VARCHAR', 'rendering_npi': 'VARCHAR', 'place_of_service': 'VARCHAR'}});

CREATE TABLE cases AS
SELECT payer, patient_id, month, max(service_date) AS day, sum(minutes)::INTEGER AS total
FROM rows WHERE payer <> 'Medi-Cal ECM' AND outcome_now = 'counted' GROUP BY ALL;

CREATE TABLE time_lines AS
SELECT payer, patient_id, month, '99487' AS code, day, 1 AS units FROM cases
WHERE total >= CASE payer WHEN 'BCBSM' THEN 31 ELSE 60 END
UNION ALL
SELECT payer, patient_id, month, '99489', day, units FROM (
    SELECT *, CASE payer
        WHEN 'BCBSM' THEN (greatest(total - 75, 0) + 29) // 30
        WHEN 'Priority Health' THEN least(greatest(total - 60, 0) // 30, 2)
        ELSE greatest(total - 60, 0) // 30 END AS units
    FROM cases) WHERE units > 0;

CREATE TABLE attempts AS
SELECT activity_id, patient_id, service_date AS day,
    CASE credential WHEN 'CHW' THEN 'G9012' ELSE 'G9008' END AS code,
    CASE mode WHEN 'in-person' THEN '' ELSE 'GQ' END AS second,
    row_number() OVER earlier AS place,
    first_value(service_date) OVER earlier AS first_day
FROM rows WHERE payer = 'Medi-Cal ECM' AND outcome_now = 'counted'
WINDOW earlier AS (
    PARTITION BY patient_id ORDER BY service_date, start_time, substr(activity_id, 2)::INTEGER);

COPY (
    SELECT payer, patient_id, code, '' AS modifier_1, '' AS modifier_2, day, units FROM time_lines
    UNION ALL
    SELECT 'Medi-Cal ECM', patient_id, code, 'U8', second, day, count(*)
    FROM attempts WHERE place <= 5 GROUP BY ALL
) TO '{CLAIMS}' (HEADER);

COPY (
    SELECT r.activity_id,
        CASE WHEN a.place > 5 THEN
            CASE WHEN a.day - a.first_day < 30 THEN 'left-out' ELSE 'held' END
        ELSE r.outcome_now END AS outcome,
        CASE WHEN a.place <= 5 THEN a.code
            WHEN r.outcome_now = 'counted' THEN t.code END AS code
    FROM rows r
    LEFT JOIN attempts a ON a.activity_id = r.activity_id
    LEFT JOIN time_lines t ON t.code = '99487' AND t.payer = r.payer
        AND t.patient_id = r.patient_id AND t.month = r.month
) TO '{ACTIVITIES}' (HEADER);
"""
duckdb.execute(SQL)
