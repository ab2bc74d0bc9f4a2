"""The tables of the payers' rules, beside those of `edits.tables`: their columns, types and indexes.

`payers.compile_payers` fills these, `book_of`, `book`, `junction` and `facet_code`, and names the codes to be watched.
Every rule row says for whom (`book`, and `payer`, the name for messages) and when (from_day and to_day, both included; a
rule without dates in its source holds over the whole horizon), how sure it is (`severity`: deny, or review where the
rule is inferred or sources disagree; `evidence`: the grade), and in which words (`statement`, with "(Presumed from the
shared text.)" or "Sources disagree on this." where that is so; `fix`). On any day a book has at most one row of a rule
for the same key (the columns before `payer`), except level_limit, region_limit, session_limit and repeat_limit, where
several rules of a payer may hold at once and each is judged by itself.
"""

from __future__ import annotations

from facetwise.edits.tables import Shape

_SPAN = {"from_day": "INTEGER", "to_day": "INTEGER", "citations": "VARCHAR"}
_RULE = {
    "payer": "VARCHAR",
    "severity": "VARCHAR",
    "statement": "VARCHAR",
    "fix": "VARCHAR",
    "evidence": "VARCHAR",
    **_SPAN,
}
_BOOK = {"book": "INTEGER"}
_NUMBERED = {"rule_id": "INTEGER", **_BOOK}  # rule_id tells the rows of a table apart
_BY_CODE = (("book", "code"),)
_BY_KIND = (("book", "kind"), ("rule_id",))

PAYER_TABLES: dict[str, Shape] = {
    "calendar": Shape(
        {"day": "INTEGER", "iso": "VARCHAR", "year_start": "INTEGER", "next_year": "INTEGER"},
        "every day from 1990 on: its date as text, the first day of its year and of the next",
        (("day",),),
    ),
    "ncci_use": Shape(
        {**_BOOK, "edit": "VARCHAR", "applies": "VARCHAR", **_SPAN},
        "whether a source says that the payer applies the NCCI edits of this name: yes | not_established; no row: the same"
        " as not_established",
        (("book", "edit"),),
    ),
    "no_contractor": Shape(
        {**_BOOK, "payer": "VARCHAR", **_SPAN},
        "books of a payer that defers to the state's contractor, for states that pick none; the shared text is used",
        (("book",),),
    ),
    "bilateral_rule": Shape(
        {
            **_BOOK,
            "code": "VARCHAR",
            "claim": "VARCHAR",  # professional | facility
            "setting": "VARCHAR",  # office | asc | hopd | '': only what all three settings agree on
            "layout": "VARCHAR",  # modifier_50_one_line | rt_lt_two_lines | modifier_50_or_rt_lt | one_line_two_units
            "own": "INTEGER",  # 0: the payer's layout is not established, this is the public program's (severity review)
            **_RULE,
        },
        "how both sides of a level are reported",
        _BY_CODE,
    ),
    "code_position": Shape(
        {
            **_BOOK,
            "code": "VARCHAR",
            "edit": "VARCHAR",  # third-level-not-covered | fact-not-established | ultrasound-guided | technique-not-covered
            "needs_dx": "INTEGER",  # 1: bears only on a line with a facet diagnosis (a code that is also used elsewhere)
            "position": "VARCHAR",  # not_covered | appeal_only | both, separated by a blank | not_established
            **_RULE,
        },
        "positions that refuse a code, and third-level and ultrasound codes on which no position is held. An ultrasound code"
        " has rows of ultrasound-guided only, whatever its rank. Where several sources disagree but all refuse, severity is"
        " deny, as `code` and `cover` say",
        _BY_CODE,
    ),
    "level_limit": Shape(
        {
            **_NUMBERED,
            "kind": "VARCHAR",  # injection | ablation
            "purpose": "VARCHAR",  # diagnostic | therapeutic | '': any
            "counts": "VARCHAR",  # level | levels_each_side | side_sum (injections, blocks, procedures: each side one)
            "unclear": "INTEGER",  # 1: over by the sum of sides alone is fact-not-established (blocks)
            "counted": "VARCHAR",  # what is counted, in words
            "at_most": "INTEGER",
            "per_region": "INTEGER",  # 0: the levels of all regions of the day are added up
            **_RULE,
        },
        "the most levels in a session",
        _BY_KIND,
    ),
    "region_limit": Shape(
        {**_NUMBERED, "kind": "VARCHAR", "at_most": "INTEGER", **_RULE},  # kind '': injections and ablations together
        "the most regions in a session",
        _BY_KIND,
    ),
    "junction_pair": Shape(
        {
            **_BOOK,
            "kind": "VARCHAR",
            "upper": "VARCHAR",  # the code of the upper joint
            "lower": "VARCHAR",
            "regions": "VARCHAR",  # one | two | not_established: as how many regions the two codes together count
            "region": "VARCHAR",  # in which region they count where they count as one
            **_RULE,
        },
        "the two codes that a rule for the pair of joints at a region's border names; each side of a disagreement is a row",
        (("book", "upper"),),
    ),
    "session_limit": Shape(
        {
            **_NUMBERED,
            "kind": "VARCHAR",
            "purpose": "VARCHAR",
            "per_region": "INTEGER",  # 0: sessions of all regions are added up
            "at_most": "INTEGER",
            "by_year": "INTEGER",  # 1: the calendar year up to the day
            "window_days": "INTEGER",  # the day of service is the last day of the window; 0 where by_year
            **_RULE,
        },
        "the most sessions over time; at most 1 in a rolling window is a repeat_limit instead. A limit of which the source does"
        " not say whether it is for each region has two rows: per_region 1, and per_region 0 with severity review",
        _BY_KIND,
    ),
    "repeat_limit": Shape(
        {
            **_NUMBERED,
            "kind": "VARCHAR",
            "purpose": "VARCHAR",
            "window_days": "INTEGER",  # a session d days earlier is too soon when d < window_days
            "per_side": "INTEGER",  # 1: only a session with an overlapping side counts
            "per_region": "INTEGER",  # 1: in the same region; 0: in another one
            **_RULE,
        },
        "how long a repetition must wait: one in a rolling window (rows per_region as in session_limit), and the spacing of diagnostic blocks"
        " (purpose diagnostic, severity review). Limits by side or level are review: a claim does not tell the level",
        _BY_KIND,
    ),
    "diagnostic_modifier": Shape(
        {
            **_BOOK,
            "code": "VARCHAR",
            "modifier": "VARCHAR",
            "wanted": "INTEGER",  # how many diagnostic sessions a first therapeutic one wants before it; 0: not said
            **_RULE,
        },
        "the modifier that the payer wants on diagnostic lines of a code: with it a line is diagnostic, without therapeutic;"
        " without a row the purpose is unknown",
        _BY_CODE,
    ),
    "imaging_code": Shape(
        {"code": "VARCHAR", "guidance": "VARCHAR", **_SPAN},
        "codes of imaging guidance and their kind of imaging",
        (("code",),),
    ),
    "imaging_rule": Shape(
        {**_BOOK, "code": "VARCHAR", "guidance": "VARCHAR", **_RULE},
        "facet codes that hold imaging guidance of a kind; book 0 too, since the code itself says so",
        _BY_CODE,
    ),
    "passive_code": Shape(
        {"code": "VARCHAR"},
        "codes of drugs, contrast, visits, sedation and anesthesia: no procedure that could take imaging guidance",
        (("code",),),
    ),
    "guidance_rule": Shape(
        {**_BOOK, "code": "VARCHAR", **_RULE},
        "codes that report a facet procedure without imaging, at payers that want imaging",
        _BY_CODE,
    ),
    "facet_dx": Shape({"dx": "VARCHAR", **_SPAN}, "diagnoses of facet pain, upper case, no dot", (("dx",),)),
    "diagnosis_rule": Shape(
        {**_BOOK, "code": "VARCHAR", "list_id": "INTEGER", "mark": "VARCHAR", **_RULE},
        "codes for which the payer lists the diagnoses that support them; mark says what the list's footnote means",
        _BY_CODE,
    ),
    "diagnosis_code": Shape(
        {"list_id": "INTEGER", "dx": "VARCHAR", "marked": "INTEGER"},
        "the diagnoses of such a list",
        (("list_id", "dx"),),
    ),
    "sedation_rule": Shape(
        {
            **_BOOK,
            "code": "VARCHAR",  # of sedation or anesthesia
            "kind": "VARCHAR",  # with which facet procedure
            "level": "VARCHAR",  # the level or levels that the code may stand for, in words
            **_RULE,
        },
        "sedation that the payer's criterion refuses (deny) or leaves to the record (review)",
        _BY_CODE,
    ),
    "authorization_rule": Shape(
        {
            **_BOOK,
            "code": "VARCHAR",
            "claim": "VARCHAR",
            "setting": "VARCHAR",  # '': unknown
            "reviewer": "VARCHAR",
            "bound": "INTEGER",  # 1: info because the facility's claim bears the number
            **_RULE,
        },
        "facet codes and others that a payer names that need prior authorization: deny on a facility claim where all that is"
        " said requires it; on a professional claim review, or info where the requirement is bound to a setting and so the"
        " facility's; info where it depends on the plan",
        _BY_CODE,
    ),
    "destruction_rule": Shape(
        {**_BOOK, "own": "INTEGER", **_RULE},
        "ablation takes in the injection of the same place; own 0: the public program's rule, for want of the payer's",
        (("book",),),
    ),
}
