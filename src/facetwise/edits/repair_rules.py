"""Which findings are of form only, what the repaired lines are, and why all others are left alone. Set-wise, in DuckDB.

Reads `claim_line` (the claim-line table), `finding` (the engine's findings) and `reference.ptp`; makes `changed` (old and new line), `added`, `removed` and
`left`. A line is told by file, place, claim and number.
"""

# ruff: noqa: S608 - statements are put together from names of our own
from __future__ import annotations

KEY = ("file", "place", "claim_id", "claim_line_number")
_SIDES = "['RT', 'LT']"
_MODIFIERS = ", ".join(f"{{line}}.hcpcs_modifier_{number}" for number in range(1, 6))
_PERSON = "coalesce({0}person_id, {0}claim_id)"
_PROVIDER = "coalesce(nullif({0}rendering_npi, ''), {0}billing_npi, '')"
# What may differ between the two lines that become one; all else must be the same.
_MAY_DIFFER = (
    *("place", "claim_line_number", "service_unit_quantity", "charge_amount", "line_control_number"),
    *(f"hcpcs_modifier_{number}" for number in range(1, 6)),
)


def modifiers(line: str) -> str:
    """Return the list of a line's modifiers as an expression, without the empty ones."""
    return f"list_filter([{_MODIFIERS.format(line=line)}], lambda m: m IS NOT NULL)"


# Whether a line of `l` has a modifier other than a side that lets an NCCI pair pass.
_BYPASSED = f"""EXISTS (
    SELECT 1 FROM reference.modifier AS m
    WHERE m.bypasses = 'yes' AND l.claim_line_start_date - DATE '1970-01-01' BETWEEN m.from_day AND m.to_day
        AND NOT list_contains({_SIDES}, m.modifier) AND list_contains({modifiers("l")}, m.modifier))"""

_KIND = "(SELECT max(k.kind) FROM reference.facet_code AS k WHERE k.code = l.hcpcs_code)"


def statements(columns: tuple[str, ...]) -> list[str]:
    """Return the statements in their order; `columns` are those of the claim-line table."""
    same = " AND ".join(f"a.{name} IS NOT DISTINCT FROM b.{name}" for name in columns if name not in _MAY_DIFFER)
    return [
        # Lines that cannot be told apart are no basis for a change.
        """
        CREATE TEMP TABLE fault AS
        SELECT f.*, json_extract_string(evidence, '$.layout') AS layout, row_number() OVER () AS number
        FROM finding AS f WHERE edit = 'bilateral-reporting'
        """,
        f"""
        CREATE TEMP TABLE near AS
        SELECT l.*, {_BYPASSED} AS bypassed, {_KIND} AS kind, count(*) OVER (PARTITION BY l.file, l.place, l.claim_id, l.claim_line_number) AS alike
        FROM claim_line AS l
        WHERE (l.file, l.claim_id) IN (SELECT (file, claim_id) FROM fault)
        """,
        # RT and LT may set a line apart from another code of the day (NCCI pairs, an injection beside an ablation), and 50 does not:
        # then form is no longer all.
        f"""
        CREATE TEMP TABLE company AS
        SELECT DISTINCT {_PERSON.format("")} AS person, claim_line_start_date AS day, {_PROVIDER.format("")} AS provider, claim_type,
            hcpcs_code AS code, {_BYPASSED} AS bypassed, {_KIND} AS kind
        FROM claim_line AS l
        WHERE ({_PERSON.format("")}, claim_line_start_date) IN (
            SELECT ({_PERSON.format("")}, claim_line_start_date) FROM near SEMI JOIN fault USING ({", ".join(KEY)}))
        """,
        f"""
        CREATE TEMP TABLE asked AS
        SELECT f.number, f.severity, f.layout, f.citations, f.other_claim_id IS NOT NULL AS paired,
            a.file, a.place, a.claim_id, a.claim_line_number, a.alike,
            f.other_claim_id, b.place AS other_place, b.claim_line_number AS other_number,
            {modifiers("a")} AS mods, {modifiers("b")} AS other_mods,
            a.service_unit_quantity AS units, b.service_unit_quantity AS other_units, a.charge_amount AS charge, b.charge_amount AS other_charge,
            ({same}) AS same,
            count(b.claim_id) OVER (PARTITION BY f.number) AS others,
            (SELECT count(*) FROM near AS c WHERE c.file = a.file AND c.claim_id = a.claim_id AND c.hcpcs_code = a.hcpcs_code
                AND c.claim_line_start_date = a.claim_line_start_date) AS of_code,
            EXISTS (
                SELECT 1 FROM company AS c
                WHERE c.person = {_PERSON.format("a.")} AND c.day = a.claim_line_start_date AND c.provider = {_PROVIDER.format("a.")}
                    AND c.claim_type = a.claim_type AND c.code <> a.hcpcs_code
                    AND (c.kind <> a.kind OR (NOT (c.bypassed OR a.bypassed) AND EXISTS (
                        SELECT 1 FROM reference.ptp AS p
                        WHERE p.pair IN (a.hcpcs_code || c.code, c.code || a.hcpcs_code)
                            AND p.service = CASE c.claim_type WHEN 'professional' THEN 1 ELSE 2 END
                            AND c.day - DATE '1970-01-01' BETWEEN p.from_day AND p.to_day
                    )))
            ) AS pair_of_day
        FROM fault AS f
        JOIN near AS a USING ({", ".join(KEY)})
        LEFT JOIN near AS b ON b.file = a.file AND b.claim_id = f.other_claim_id AND b.claim_line_number = f.other_claim_line_number
        """,
        f"""
        CREATE TEMP TABLE judged AS
        SELECT *,
            CASE
                WHEN list_contains(mods, '50') AND list_has_all(mods, {_SIDES}) AND layout = 'modifier_50_one_line' THEN 'both-sides-said-once'
                WHEN paired AND layout = 'modifier_50_one_line' AND NOT list_contains(mods, '50') THEN 'one-line-for-both-sides'
                WHEN NOT paired AND layout = 'rt_lt_two_lines' AND list_contains(mods, '50') THEN 'two-lines-for-both-sides'
            END AS repair
        FROM asked
        """,
        f"""
        CREATE TEMP TABLE verdict AS
        SELECT *,
            CASE
                WHEN repair IS NULL THEN 'which of the two sides was treated, and how often, only the record can say'
                WHEN alike > 1 OR others > 1 THEN 'several lines of the file bear this claim number and line number'
                WHEN severity <> 'deny' AND repair <> 'both-sides-said-once' THEN
                    'the layout is not established as the payer''s own, or the lines may be of two joints'
                WHEN pair_of_day THEN 'another code of the day may not stand beside this one, and the sides of the lines bear on that'
                WHEN repair = 'both-sides-said-once' THEN CASE WHEN units <> 1 THEN 'the units would change' END
                WHEN repair = 'two-lines-for-both-sides' THEN CASE
                    WHEN units <> 1 THEN 'the units would change'
                    WHEN list_has_any(mods, {_SIDES}) THEN 'the line names one side as well; only the record can say which is right' END
                WHEN other_number IS NULL OR other_claim_id <> claim_id THEN 'the other side stands on another claim'
                WHEN units <> 1 OR other_units <> 1 THEN 'the units would change'
                WHEN of_code <> 2 THEN 'the code has more than these two lines on the claim'
                WHEN NOT same THEN 'the two lines differ in more than the side'
                WHEN (charge IS NULL) <> (other_charge IS NULL) THEN 'only one of the two lines has a charge'
                WHEN list_filter(mods, lambda m: NOT list_contains({_SIDES}, m)) <> list_filter(other_mods, lambda m: NOT list_contains({_SIDES}, m))
                    THEN 'the two lines bear other modifiers beside the side'
                WHEN list_contains(other_mods, '50') OR len(list_intersect(mods, {_SIDES})) <> 1 OR len(list_intersect(other_mods, {_SIDES})) <> 1
                    THEN 'the two lines do not name one side each'
            END AS why_not
        FROM judged
        """,
        # The line that comes first in the file stays.
        f"""
        CREATE TEMP TABLE changed AS
        SELECT repair, citations, file, claim_id, least(place, coalesce(other_place, place)) AS place,
            CASE WHEN repair = 'one-line-for-both-sides' AND (other_place, other_number) < (place, claim_line_number) THEN other_number
                ELSE claim_line_number END AS claim_line_number,
            CASE repair
                WHEN 'both-sides-said-once' THEN list_filter(mods, lambda m: NOT list_contains({_SIDES}, m))
                WHEN 'two-lines-for-both-sides' THEN list_transform(mods, lambda m: CASE WHEN m = '50' THEN 'RT' ELSE m END)
                ELSE list_transform(mods, lambda m: CASE WHEN list_contains({_SIDES}, m) THEN '50' ELSE m END)
            END AS mods,
            CASE repair
                WHEN 'one-line-for-both-sides' THEN charge + other_charge
                WHEN 'two-lines-for-both-sides' THEN charge - CAST(floor(charge * 100 / 2) / 100 AS DECIMAL(12, 2))
                ELSE charge
            END AS charge
        FROM verdict WHERE why_not IS NULL
        """,
        """
        CREATE TEMP TABLE removed AS
        SELECT repair, citations, file, claim_id,
            CASE WHEN (other_place, other_number) < (place, claim_line_number) THEN place ELSE other_place END AS place,
            CASE WHEN (other_place, other_number) < (place, claim_line_number) THEN claim_line_number ELSE other_number END AS claim_line_number
        FROM verdict WHERE why_not IS NULL AND repair = 'one-line-for-both-sides'
        """,
        """
        CREATE TEMP TABLE added AS
        SELECT v.repair, v.citations, v.file, v.claim_id, v.place, v.claim_line_number,
            (SELECT max(c.claim_line_number) FROM near AS c WHERE c.file = v.file AND c.claim_id = v.claim_id)
                + row_number() OVER (PARTITION BY v.file, v.claim_id ORDER BY v.place, v.claim_line_number) AS new_number,
            list_transform(v.mods, lambda m: CASE WHEN m = '50' THEN 'LT' ELSE m END) AS mods,
            CAST(floor(v.charge * 100 / 2) / 100 AS DECIMAL(12, 2)) AS charge
        FROM verdict AS v WHERE v.why_not IS NULL AND v.repair = 'two-lines-for-both-sides'
        """,
        """
        CREATE TEMP TABLE left_alone AS
        SELECT f.file, f.place, f.claim_id, f.claim_line_number, f.edit, f.severity, v.why_not AS why
        FROM finding AS f
        LEFT JOIN fault AS g ON g.edit = f.edit AND g.file = f.file AND g.place = f.place AND g.claim_id = f.claim_id
            AND g.claim_line_number = f.claim_line_number
        LEFT JOIN verdict AS v ON v.number = g.number
        WHERE f.severity <> 'info' AND NOT (f.edit = 'bilateral-reporting' AND v.number IS NOT NULL AND v.why_not IS NULL)
            -- Two lines that are one now have one unit, and are over no unit limit by that.
            AND NOT (f.edit = 'mue-exceeded'
                AND (f.file, f.claim_id, f.claim_line_number) IN (SELECT (file, claim_id, claim_line_number) FROM removed))
        """,
    ]
