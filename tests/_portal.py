"""An Opendatasoft portal for tests: exports of rows, and the clauses of ODSQL that loaders use."""

import re

import pandas as pd

from _loopback import Reply

TERM = re.compile(r'(\w+)\s*(?:=\s*"(.*?)"|in \((.*?)\))')
AGGREGATE = re.compile(r"(sum|count)\((\w+)\) as (\w+)")


def portal(rows, *, ignore_filter=False):
    """Answer an export of these rows as a portal does: `;`, BOM, CRLF, and the clauses of ODSQL that loaders use."""
    frame = pd.DataFrame(rows).astype("str")

    def answer(request):
        assert dict(request.params)["delimiter"] == ";"
        assert dict(request.params)["use_labels"] == "false"
        assert "offset" not in dict(request.params)
        kept = frame
        for field, one, several in TERM.findall(request.param("where")) if not ignore_filter else ():
            kept = kept[kept[field].isin([one] if one else re.findall(r'"(.*?)"', several))]
        chosen = [part for part in re.split(r",(?![^(]*\))", request.param("select")) if part]
        if request.param("group_by"):
            kept = _grouped(kept, request.param("group_by").split(","), chosen)
        elif chosen:
            kept = kept[chosen]
        text = kept.to_csv(sep=";", index=False, lineterminator="\r\n", encoding="utf-8")
        return Reply(200, "\ufeff" + text, "text/csv; charset=utf-8")

    return answer


def _grouped(kept, keys, chosen):
    groups = kept.groupby(keys)
    columns = {}
    for part in chosen:
        match = AGGREGATE.fullmatch(part)
        if match:
            values = pd.to_numeric(kept[match[2]]).groupby([kept[key] for key in keys])
            columns[match[3]] = values.sum() if match[1] == "sum" else values.count()
    return pd.DataFrame(columns, index=groups.size().index).reset_index()
