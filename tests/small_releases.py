"""Small official files in the exact published layouts: invented numbers, invented descriptors, few rows."""

from __future__ import annotations

import csv
import io
import zipfile
from collections.abc import Iterable, Sequence
from pathlib import Path
from xml.sax.saxutils import escape

CODES = ("00001", "00002", "0003T", "A0004")
AMA = "CPT codes and descriptions only are copyright 2025 American Medical Association."

_PPRRVU_HEADER = (
    ",,,,,,,,,,,,,,,,,,,,,,,{p},,,,,,NON-FACILITY,FACILITY,",
    ",,,,NOT USED,,,,,,,,,,,,,,,,,,,{p},,,PHYSICIAN,,DIAGNOSTIC,PE USED,PE USED,MP USED",
    ",,,,FOR,,,NON-FAC,,FACILITY ,,,,,,,,,,,,,,{p},,,SUPERVISION OF,,IMAGING,FOR OPPS,FOR OPPS,FOR OPPS",
    ",,,STATUS,MEDICARE ,WORK,NON-FAC,NA,FACILITY,NA,MP,NON-FACILITY,FACILITY,PCTC,GLOB,PRE,INTRA,POST,MULT,BILAT,ASST,CO-,"
    "TEAM,{p}PRIC,ENDO,CONV,DIAGNOSTIC,CALCULATION,FAMILY,PAYMENT,PAYMENT,PAYMENT",
    "HCPCS,MOD,DESCRIPTION,CODE,PAYMENT,RVU,PE RVU,INDICATOR,PE RVU,INDICATOR,RVU,TOTAL,TOTAL,IND,DAYS,OP,OP,OP,PROC,SURG,"
    "SURG,SURG,SURG,{p}IND,BASE,FACTOR,PROCEDURES,FLAG,INDICATOR,AMOUNT,AMOUNT,AMOUNT",
)
# code, modifier, status, work, office expense, NA, facility expense, NA, malpractice
UNITS = (
    ("00001", "", "A", "1.48", "4.08", "", "0.82", "", "0.14"),
    ("00002", "", "A", "0.53", "3.06", "", "3.06", "NA", "0.04"),
    ("00002", "26", "A", "0.53", "0.25", "", "0.25", "", "0.03"),
    ("0003T", "", "C", "0.00", "0.00", "", "0.00", "", "0.00"),
)
FACTORS = {2024: "33.2875", 2025: "32.3465", 2026: "33.4009"}


def lines(*rows: str, end: str = "\r\n") -> bytes:
    """Return lines as a file of them."""
    return "".join(row + end for row in rows).encode()


def pprrvu(
    year: int = 2026,
    month: str = "July",
    factor: str = "",
    units: Iterable[Sequence[str]] = UNITS,
    columns: int | None = None,
    header: int | None = None,
) -> bytes:
    """A relative value file; `columns` and `header` are the widths of rows and header (32 from 2026, 31 before)."""
    width = columns or (32 if year >= 2026 else 31)
    head = [_header_row(row, header or width) for row in _PPRRVU_HEADER]
    pad = "," * ((header or width) - 3)
    top = [
        f",,{year} National Physician Fee Schedule Relative Value File {month} Release{pad}",
        f",,{AMA}{pad}",
        f",,Dental codes{pad}",
        f",, {pad}",
        f",,RELEASED 06/30/{year}{pad}",
    ]
    body = [_unit_row(row, factor or FACTORS[year], width) for row in units]
    return lines(*top, *head, *body)


def _header_row(row: str, width: int) -> str:
    if width == 32:
        return row.replace("{p}", "")
    # The column of the pricing indicator came in 2026.
    before, _, after = row.partition("{p}")
    return before + after.partition(",")[2]


def _unit_row(row: Sequence[str], factor: str, width: int) -> str:
    code, modifier, status, work, office, office_na, facility, facility_na, malpractice = row
    totals = [f"{float(work) + float(one) + float(malpractice):.2f}" for one in (office, facility)]
    cells = [
        code,
        modifier,
        "invented",
        status,
        "",
        work,
        office,
        office_na,
        facility,
        facility_na,
        malpractice,
        *totals,
    ]
    cells += ["0", "000", "0.10", "0.80", "0.10", "2", "1", "2", "0", "0"]
    cells += ["9"] if width == 32 else []
    cells += ["", factor, "09", "0", "99", "0.00", "0.00", "0.00"]
    return ",".join(cells)


def pprrvu_text(factor: str = "32.3465", units: Iterable[Sequence[str]] = UNITS) -> bytes:
    """The same in the text form of 2025: records of 171 characters."""
    records = []
    for code, modifier, status, work, office, office_na, facility, facility_na, malpractice in units:
        totals = [f"{float(work) + float(one) + float(malpractice):.2f}" for one in (office, facility)]
        record = (
            f"{code:5}{modifier:2}{'invented':50}{status} {work:>6}{office:>7}{office_na:>2}{facility:>7}{facility_na:>2}"
            f"{malpractice:>6}{totals[0]:>7}{totals[1]:>6}0000.10.80.10" + "21200"
        )
        record = f"{record:133}{factor:>7} 090 99{'0.00':>10}{'0.00':>7}{'0.00':>7}"
        assert len(record) == 171, len(record)
        records.append(record)
    return lines("HDR CPT CODES AND DESCRIPTIONS ONLY ARE COPYRIGHT ", "HDR RESERVED.", *records)


def gpci(year: int = 2026, header_year: int | None = None) -> bytes:
    """Cost indices, with commas."""
    named = header_year or year
    return lines(
        f"ADDENDUM E. FINAL CY {year} GEOGRAPHIC PRACTICE COST INDICES (GPCIs) BY STATE AND MEDICARE LOCALITY,,,,,,",
        ",,,,,,",
        "Medicare Administrative Contractor (MAC),State,Locality Number,Locality Name,"
        f"{named} PW GPCI (with 1.0 Floor)***,{named} PE GPCI,{named} MP GPCI",
        "10112,AL,00,ALABAMA,1,0.875,0.566",
        "02102,AK,01,ALASKA*,1.500,1.065,0.551",
        '01212,HI,01,"HAWAII, GUAM",1.000,1.150,0.600',
        '"MAC Assignments as of November 22, 2023",,,,,,',
        "*Work GPCI reflects a 1.5 floor in Alaska.,,,,,,",
    )


def gpci_text(year: int = 2026) -> bytes:
    """The same in fixed width."""
    rows = (("10112", "AL", "00", "ALABAMA", "1.000", "0.875", "0.566"), ("02102", "AK", "01", "ALASKA*", "1.500", "1.065", "0.551"),
            ("01212", "HI", "01", "HAWAII, GUAM", "1.000", "1.150", "0.600"))  # fmt: skip
    return lines(
        f"ADDENDUM E. FINAL CY {year} GEOGRAPHIC PRACTICE COST INDICES (GPCIs) BY STATE AND MEDICARE LOCALITY",
        "",
        f"Medicare Admi State  Locality{'Locality Name':>51}{'':38}{year} PW GPCI{year} PE GPCI{year} MP GPCI",
        *(f"{mac:16}{state:8}{place:5}{name:87}{w:>9}{p:>12}{m:>12}" for mac, state, place, name, w, p, m in rows),
        "MAC Assignments as of November 22, 2023",
    )


def counties(year: int = 2026) -> bytes:
    """Counties of the localities: leading zeros lost, the state given once."""
    return lines(
        f"COUNTIES INCLUDED IN {year} LOCALITIES. (ALPHABETICALLY BY STATE),,,,",
        ",,,,",
        "Medicare Adminstrative Contractor,Locality Number,State ,Fee Schedule Area ,Counties",
        ",,,,",
        "10112,0,ALABAMA ,STATEWIDE ,ALL COUNTIES ",
        ",,,,",
        '1182,18,CALIFORNIA,LOS ANGELES,"LOS ANGELES, ORANGE"',
        "1112,5,,SAN FRANCISCO,SAN FRANCISCO",
        "*  Payment locality is serviced by two carriers.,,,,",
    )


def counties_text(year: int = 2026) -> bytes:
    """The same in columns of blanks."""
    rows = (
        ("10112", "00", "ALABAMA", "STATEWIDE", "ALL COUNTIES"),
        ("01182", "18", "CALIFORNIA", "LOS ANGELES", "LOS ANGELES, ORANGE"),
        ("01112", "05", "", "SAN FRANCISCO", "SAN FRANCISCO"),
    )
    return lines(
        f"COUNTIES INCLUDED IN {year} LOCALITIES. (ALPHABETICALLY BY STATE)",
        "",
        "Medicare AdmiLocality         State                Fee Schedule Area                       Counties",
        "",
        *(f"    {mac}       {place}    {state:23}{area:98}{names}" for mac, place, state, area, names in rows),
    )


def zip5(quarter: str = "20263") -> bytes:
    """ZIP codes to localities: 80 characters a record."""
    rows = ("AL350041011200 Z9", "AK995010210201RZ9", "HI967010121201BZ9")
    return lines(*(f"{row:20}{plus} A{'':52}{quarter}" for row, plus in zip(rows, "001", strict=True)))


def anesthesia(national: str = "20.3178") -> bytes:
    """Anesthesia factors: the national one stands in the header, and no year anywhere."""
    return lines(
        f"Contractor,Locality,Locality Name,National Anes CF of {national}",
        "10112 ,00 ,ALABAMA,19.31 ",
        "02102 ,01 ,ALASKA*,27.86 ",
        ",,,",
    )


def anesthesia_text() -> bytes:
    """The same in fixed width, in cents."""
    return lines(f"10112       00   {'ALABAMA':56}1931", f"02102       01   {'ALASKA*':56}2786")


def opps_cap() -> bytes:
    """The OPPS cap, with the header's own misspelling."""
    return lines(
        "HCPCS,MOD,PROCSTAT,CARRIER,LOCALITY,FACILITY PRICE,NON-FACILTY PRICE",
        "00002,TC,A,10112,00,150.69,150.69",
        "00002,,C,02102,01,1150.60,110.39",
        ",,,,,,",
    )


def opps_cap_text() -> bytes:
    """The same in fixed width: 38 characters a record."""
    return lines("00002TC A 10112  00   150.69    150.69", "00002   C 02102  01  1150.60    110.39")


PTP_HEADER = (
    "CPT only copyright 2025 American Medical Association.  All rights reserved.\t\t\t\t\t\t",
    "Column1/Column2 Edits\t\t\t\t\t\t",
    "Column 1\tColumn 2\t*=in existence\tEffective\tDeletion\tModifier\tPTP Edit Rationale",
    "\t\tprior to 1996\tDate\tDate\t0=not allowed\t",
    "\t\t\t\t*=no data\t1=allowed\t",
    "\t\t\t\t\t9=not applicable\t",
)
PTP_ROWS = (
    ("00001", "00002", "", "20260701", "*", "1", "Misuse of column two code with column one code"),
    ("00001", "0003T", "*", "19960101", "20231231", "0", 'CPT "separate procedure" definition'),
    ("00001", "A0004", "", "20220101", "20220101", "9", "Standards of practice"),
    ("00002", "A0004", "", "20200401", "*", "0", "Standards of practice"),
)


def ptp(rows: Iterable[Sequence[str]] = PTP_ROWS) -> bytes:
    """Procedure-to-procedure edits, one part."""
    return lines(*PTP_HEADER, *("\t".join(row) for row in rows))


def mue(service: str = "Practitioner Services") -> bytes:
    """Medically unlikely edits: Latin-1, a notice over many lines, a line break in the header."""
    notice = f'"{AMA}\r\n\r\nCPT\u00ae is a registered trademark.\r\n",,,\r\n'
    header = f'"HCPCS/\nCPT Code",{service} MUE Values,MUE Adjudication Indicator,MUE Rationale\r\n'
    body = (
        "00001,1,2 Date of Service Edit: Policy,Code Descriptor / CPT Instruction\r\n"
        "00002,0,1 Line Edit,CMS Policy\r\n"
        "A0004,12,3 Date of Service Edit: Clinical,Clinical: Data\r\n"
    )
    return (notice + header + body).encode("latin-1")


ADD_ON_HEADER = ("AOC_Edit_Type", "Add-On_Code", "AOC_DelDT", "Primary_Code", "Primary_Code_DelDT", "AOC_Edit_EffDT",
                 "AOC_Edit_DelDT", "Special_Instruction_Notes")  # fmt: skip
ADD_ON_ROWS = (
    ("1", "0003T", "", "00001", "", "2013001", "", ""),
    ("2", "A0004", "", "CCCCC", "", "2013001", "2020366", "Contractor Defined Primary Codes"),
    ("3", "0003T", "", "00002", "2024091", "2026182", "", ""),
)


def add_ons_text() -> bytes:
    """Add-on codes in fixed width: 97 characters a record, Julian dates."""
    return lines(
        *(
            f"{kind}{add_on:5}{deleted:7}{primary:5}{primary_deleted:7}{start:7}{end:7}{note:58}"
            for kind, add_on, deleted, primary, primary_deleted, start, end, note in ADD_ON_ROWS
        )
    )


def asc(addendum: str, month: str = "April", year: int = 2026) -> bytes:
    """A surgery-center addendum: a title over two lines, odd bytes, notes below."""
    when = f"{month} {year}"
    headers = {
        "AA": f"HCPCS Code,,Short Descriptor,Subject to Multiple Procedure Discounting,{when} Payment Indicator,"
        f"{when}  Payment Weight  ,{when} Payment Rate ",
        "BB": "HCPCS Code,,Short Descriptor,Drug and Device Pass-Through Expiration during Calendar Year,"
        f"{when} Payment Indicator,{when} Payment Weight  ,{when} Payment Rate ,{when} IRA-22 Adjusted Copayment1",
        "EE": "HCPCS Code,Short Descriptor",
        "FF": f"HCPCS Code,,Short Descriptor,{when} Payment Indicator,{when} APC,{when} APC Device Offset Percentage,"
        f"{when} OPPS Payment Rate,{when} Device Offset Percentage,{when} Device Offset Amount / Device Portion",
    }
    rows = {
        "AA": (
            "00001,,invented,Y,G2,8.6202,$485.51 ",
            '00002,*,invented,Y,J8,83.61,"$4,589.82 "',
            "0003T,,invented,N,N1,,",
        ),
        "BB": ("00002,,invented,,Z2,12.7708,$719.28,", "A0004,,invented,,K2,,$0.12,"),
        "EE": ("00001,invented", "0003T,invented"),
        "FF": ('00001,,invented,G2,5443,4.75%,"$3,061.63",0.00%,$0.00', "0003T,,invented,N1,,,,,"),
    }
    width = headers[addendum].count(",")
    text = (
        f'"Addendum {addendum} -- ASC Covered Surgical Procedures for CY {year} \n(Including Packaged)"{"," * width}\r\n'
        f"{AMA}\u00ff All Rights Reserved.{',' * width}\r\n{',' * width}\r\n{headers[addendum]}\r\n"
        + "".join(row + "\r\n" for row in rows[addendum])
        + f'"NOTE 1: Payment indicators for ""office-based"" procedures, as published.",{"," * (width - 1)}\r\n{"," * width}\r\n'
    )
    return text.encode("latin-1")


def wage_index() -> bytes:
    """The wage index: code page 850, an area twice with two values, an area without one."""
    text = 'CBSA,CBSA Name,WI26\r\n01,ALABAMA,0.6367\r\n41,RHODE ISLAND,0.0000\r\n32420,"Mayag\u00fcez, PR",0.3759\r\n'
    return (text + '10180,"Abilene, TX",0.9287\r\n10180,"Abilene, TX",0.9301\r\n').encode("cp850")


def addendum_b(month: str = "July 2026") -> bytes:
    """OPPS Addendum B: Latin-1, a header name that begins with a blank."""
    text = (
        f"Addendum B.-Final OPPS Payment by HCPCS Code for {month},,,,,,,,,,,,\r\n"
        + AMA.replace(" are", "\u00a0are")
        + ",,,,,,,,,,,,\r\n,,,,,,,,,,,,\r\n"
        "HCPCS Code,Short Descriptor,SI,APC,Relative Weight,Payment Rate,National Unadjusted Copayment,"
        " Minimum Unadjusted Copayment,IRA Coinsurance Percentage,Adjusted Beneficiary Copayment,"
        "Drug and Device Pass-Through Expiration during Calendar Year,Note,* Indicates a Change\r\n"
        '00001,invented,T,5443,9.8855,"$1,903.68 ",,$180.74 ,,,,,\r\n'
        "0003T,invented,N,,,,,,,,,,*\r\n"
    )
    return text.encode("latin-1")


def icd10(numbers: Sequence[int] = (1, 2, 3)) -> bytes:
    """The ICD-10-CM order file."""
    rows = (
        ("A00", "0", "Cholera"),
        ("A000", "1", "Cholera due to something"),
        ("M5450", "1", "Low back pain, unspecified"),
    )
    return lines(
        *(
            f"{number:05} {code:7} {flag} {title:60} {title}"
            for number, (code, flag, title) in zip(numbers, rows, strict=True)
        ),
        end="\n",
    )


def taxonomy() -> bytes:
    """The provider taxonomy: UTF-8, cells with commas."""
    return lines(
        "Code,Grouping,Classification,Specialization,Definition,Notes,Display Name,Section",
        '207LP2900X,Physicians,Anesthesiology,Pain Medicine,"Pain, and its relief \u2013 all of it.",[7/1/2025: modified],'
        "Pain Medicine Physician,Individual",
        "208VP0000X,Physicians,Pain Medicine,,,[1/1/2004: new],Pain Physician,Individual",
        end="\n",
    )


def adjustments() -> bytes:
    """Claim adjustment and remark codes."""
    return lines(
        "adj_code,adj_type,adj_description,adj_usage,adj_notes,adj_start_date,adj_last_modified,adj_end_date",
        "CO,Group,invented,,,,,",
        "45,CARC,invented,,,1995-01-01,2023-11-01,",
        "W3,CARC,invented,,Use code P14,2012-09-30,,2014-07-01",
        "N895,RARC,invented,,,2024-03-01,,",
    )


def workbook(rows: Iterable[Sequence[str | int | float]], shared: bool = True) -> bytes:
    """An .xlsx workbook as spreadsheet programs write it: texts shared or inline, numbers as numbers."""
    texts: list[str] = []
    out = []
    for number, row in enumerate(rows, 1):
        cells = []
        for place, value in enumerate(row):
            reference = f"{chr(65 + place)}{number}"
            if isinstance(value, int | float):
                cells.append(f'<c r="{reference}"><v>{value!r}</v></c>')
            elif value and shared:
                texts.append(value)
                cells.append(f'<c r="{reference}" t="s"><v>{len(texts) - 1}</v></c>')
            elif value:
                cells.append(f'<c r="{reference}" t="inlineStr"><is><t>{escape(value)}</t></is></c>')
        out.append(f'<row r="{number}">{"".join(cells)}</row>')
    main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    relations = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    parts = {
        "[Content_Types].xml": (
            '<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">'
            '<Default Extension="xml" ContentType="application/xml"/>'
            '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/></Types>'
        ),
        "_rels/.rels": (
            '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">'
            f'<Relationship Id="rId1" Type="{relations}/officeDocument" Target="xl/workbook.xml"/></Relationships>'
        ),
        "xl/workbook.xml": f'<workbook xmlns="{main}" xmlns:r="{relations}"><sheets><sheet name="Sheet1" sheetId="1" r:id="rId1"/>'
        "</sheets></workbook>",
        "xl/_rels/workbook.xml.rels": (
            '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">'
            f'<Relationship Id="rId1" Type="{relations}/worksheet" Target="worksheets/sheet1.xml"/>'
            f'<Relationship Id="rId2" Type="{relations}/sharedStrings" Target="sharedStrings.xml"/></Relationships>'
        ),
        "xl/worksheets/sheet1.xml": f'<worksheet xmlns="{main}"><sheetData>{"".join(out)}</sheetData></worksheet>',
        "xl/sharedStrings.xml": f'<sst xmlns="{main}">'
        + "".join(f"<si><r><t>{escape(text)}</t></r><rPh><t>x</t></rPh></si>" for text in texts)
        + "</sst>",
    }
    return archive({name: text.encode() for name, text in parts.items()})


def archive(files: dict[str, bytes]) -> bytes:
    """A zip archive of these files."""
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w", zipfile.ZIP_DEFLATED) as opened:
        for name, content in files.items():
            opened.writestr(name, content)
    return held.getvalue()


def tabbed(content: bytes) -> bytes:
    """Return a file of commas as one of tabs."""
    held = io.StringIO(newline="")
    csv.writer(held, delimiter="\t").writerows(csv.reader(io.StringIO(content.decode("latin-1"), newline="")))
    return held.getvalue().encode("latin-1")


def rewritten(content: bytes, old: bytes, new: bytes) -> bytes:
    """Return an archive with one text in its files replaced by another."""
    with zipfile.ZipFile(io.BytesIO(content)) as opened:
        return archive({name: opened.read(name).replace(old, new) for name in opened.namelist()})


def put(folder: Path, content: bytes, name: str = "download.bin") -> Path:
    """Write a file under a name that says nothing, and return it."""
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path
