"""Run the Python examples of README.md and the documents, and check that their links lead somewhere.

Usage: python scripts/check_docs.py [FILE...]

The blocks marked ```python of one document run in order, in one fresh namespace and an empty folder. A block marked
```python no-run (it needs the network) is counted, never run. Links to other sites are not followed.
"""

import contextlib
import io
import re
import sys
import tempfile
import traceback
from pathlib import Path
from urllib.parse import unquote

ROOT = Path(__file__).resolve().parents[1]
FENCE = re.compile(r"^(?P<fence>```+|~~~+)(?P<info>[^\n`]*)\n(?P<body>.*?)^(?P=fence)[ \t]*$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\[[^\]]*\]\(\s*<?(?P<target>[^)\s>]+)>?(?:\s+\"[^\"]*\")?\s*\)")
HEADING = re.compile(r"^#{1,6}\s+(?P<text>.+?)\s*#*$", re.MULTILINE)
ELSEWHERE = re.compile(r"^(?:[a-z][a-z0-9+.-]*:|//)", re.IGNORECASE)


def documents() -> list[Path]:
    """List the Markdown files of the root, of docs/ and of data/."""
    return sorted(path for folder in (".", "data", "docs", "docs/decisions") for path in (ROOT / folder).glob("*.md"))


def anchors(text: str) -> set[str]:
    """Name the headings of a document the way Git hosts do."""
    titles = (match["text"].strip().lower() for match in HEADING.finditer(FENCE.sub("", text)))
    return {re.sub(r"[^\w\- ]", "", title).replace(" ", "-") for title in titles}


def broken_links(document: Path, text: str) -> list[str]:
    """List the links of a document that lead to no file, or to no heading."""
    broken = []
    for match in LINK.finditer(re.sub(r"`[^`\n]*`", "", FENCE.sub("", text))):
        target = match["target"]
        if ELSEWHERE.match(target):
            continue
        name, _, anchor = target.partition("#")
        file = (document.parent / unquote(name)).resolve() if name else document
        if not file.exists():
            broken.append(f"{target}: no such file")
        elif anchor and file.suffix == ".md" and anchor not in anchors(file.read_text(encoding="utf-8")):
            broken.append(f"{target}: no such heading")
    return broken


def examples(text: str) -> tuple[list[tuple[int, str]], int]:
    """Give the Python blocks to run, each with its line, and how many are not to be run."""
    run, left = [], 0
    for match in FENCE.finditer(text):
        words = match["info"].split()
        if words[:1] != ["python"]:
            continue
        if "no-run" in words:
            left += 1
        else:
            run.append((text.count("\n", 0, match.start("body")), match["body"]))
    return run, left


def failure(document: Path, blocks: list[tuple[int, str]]) -> str:
    """Run the blocks of a document; give the traceback of the first that fails, or nothing."""
    namespace: dict[str, object] = {"__name__": "__main__"}
    with (
        tempfile.TemporaryDirectory() as folder,
        contextlib.chdir(folder),
        contextlib.redirect_stdout(io.StringIO()),
    ):
        for line, block in blocks:
            try:
                code = compile("\n" * line + block, str(document), "exec")  # tracebacks give the document's own lines
                exec(code, namespace)  # noqa: S102 - running the examples is what this script is for
            except Exception:  # noqa: BLE001 - an example may fail in any way, and all of them are reported
                return traceback.format_exc()
    return ""


def main(names: list[str]) -> int:
    """Check the documents named, or all of them; give the exit status."""
    failed = False
    for document in [Path(name).resolve() for name in names] or documents():
        text = document.read_text(encoding="utf-8")
        blocks, left = examples(text)
        problems = broken_links(document, text)
        raised = failure(document, blocks)
        failed |= bool(problems or raised)
        name = document.relative_to(ROOT) if document.is_relative_to(ROOT) else document
        print(f"{name}: {len(blocks)} examples run, {left} not run, {len(problems)} broken links")
        for problem in problems:
            print(f"  {problem}", file=sys.stderr)
        if raised:
            print(raised, file=sys.stderr)
    return int(failed)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
