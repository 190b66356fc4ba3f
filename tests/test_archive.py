"""Zips: read in place, never outside themselves, never too large, never another error than ours."""

import zlib
from io import BytesIO
from zipfile import ZIP_BZIP2, ZIP_DEFLATED, ZipFile, ZipInfo

import pandas as pd
import pytest

from _loopback import Reply, serve
from territoire_geo.errors import SourceFormatError, SourceUnavailableError, TerritoireGeoError
from territoire_geo.loaders import _archive
from territoire_geo.loaders._archive import find_member, members, open_member, read_member
from territoire_geo.loaders._catalogue import Entry, Service
from territoire_geo.loaders._fetch import Door, fetch

CSV = b"code;n\n39198;1\n"


def zipped(files, compression=ZIP_DEFLATED):
    out = BytesIO()
    with ZipFile(out, "w", compression) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return out.getvalue()


def crafted(name="data.csv", *, content=CSV, size=None, packed=None, **fields):
    """A zip whose headers say what one wants."""
    out = BytesIO()
    with ZipFile(out, "w") as archive:
        info = ZipInfo(name)
        deflate = zlib.compressobj(wbits=-15)
        data = packed or deflate.compress(content) + deflate.flush()
        info.compress_type = ZIP_DEFLATED
        info.CRC = zlib.crc32(content)
        info.file_size = len(content) if size is None else size
        info.compress_size = len(data)
        info.header_offset = 0
        archive.fp.write(info.FileHeader() + data)
        for field, value in fields.items():
            setattr(info, field, value)
        archive.filelist.append(info)
        archive.start_dir = archive.fp.tell()
        archive._didModify = True  # noqa: SLF001 - zipfile writes honest headers only
    return out.getvalue()


def bomb(weight, **fields):
    """Zeros deflated once, repeated: 10 GB in 10 MB, in no time."""
    deflate = zlib.compressobj(9, wbits=-15)
    block = deflate.compress(bytes(1024**2)) + deflate.flush(zlib.Z_FULL_FLUSH)
    return crafted(content=b"", packed=block * (weight // 1024**2) + zlib.compressobj(wbits=-15).flush(), **fields)


@pytest.fixture
def write_zip(tmp_path):
    def write(content):
        path = tmp_path / "a.zip"
        path.write_bytes(content)
        return path

    return write


def test_members_are_read_in_place(write_zip, tmp_path):
    path = write_zip(
        zipped(
            {"DS_data.csv": CSV, "DS_metadata.csv": b"x", "folder/": b"", ".hidden": b"x", "__MACOSX/DS_data.csv": b"x"}
        )
    )
    assert members(path) == ["DS_data.csv", "DS_metadata.csv"]
    assert find_member(path, r"_data\.csv$") == "DS_data.csv"
    assert find_member(path, r"_META") == "DS_metadata.csv"
    assert read_member(path, "DS_data.csv") == CSV
    with open_member(path, "DS_data.csv") as stream:
        assert pd.read_csv(stream, sep=";")["n"].tolist() == [1]
    assert list(tmp_path.iterdir()) == [path]
    with pytest.raises(
        SourceFormatError, match=r"2 files match 'csv' where one is expected; the zip holds DS_data\.csv, DS_"
    ):
        find_member(path, "csv")
    with pytest.raises(SourceFormatError, match=r"holds no 'x\.csv'"):
        read_member(path, "x.csv")
    with pytest.raises(SourceUnavailableError, match="cannot be read"):
        members(tmp_path / "absent.zip")


@pytest.mark.parametrize("name", ["../x.csv", "/etc/x.csv", "a/../../x.csv", "..\\x.csv", "C:\\x.csv", "c:x.csv"])
def test_members_never_leave_the_zip(write_zip, name):
    path = write_zip(zipped({"good.csv": CSV, name: CSV}))
    for read in (members, lambda zip_path: read_member(zip_path, "good.csv")):
        with pytest.raises(SourceFormatError, match="outside the zip"):
            read(path)


def test_symbolic_links_are_left_out(write_zip):
    link = ZipInfo("link.csv")
    link.external_attr = 0o120777 << 16
    path = write_zip(zipped({"data.csv": CSV, link: b"/etc/passwd"}))
    assert members(path) == ["data.csv"]
    with pytest.raises(SourceFormatError, match=r"holds no 'link\.csv'"):
        read_member(path, "link.csv")


def test_a_bomb_of_10_gb(tmp_path, write_zip):
    content = bomb(10 * 1024**3, size=10 * 1024**3)
    assert len(content) < 15_000_000
    with pytest.raises(SourceFormatError, match="10,737 MB once unpacked"):
        members(write_zip(content))
    cache = tmp_path / "cache"
    with serve({"*": Reply(body=content)}) as server:
        service = Service("fake", "A producer", server.url, 30)
        source = Entry("a_source", service, "Un fichier", "", "", "https://page.example", "a.zip", "zip", (), "2024")
        with pytest.raises(SourceFormatError, match="10,737 MB once unpacked"):
            fetch(Door(cache), source)
    assert not [path for name in ("objects", "entries", "partial") for path in (cache / name).rglob("*.*")]


def test_a_bomb_that_lies(write_zip, monkeypatch):
    path = write_zip(bomb(10 * 1024**3, size=1024**2))
    assert members(path) == ["data.csv"]
    with pytest.raises(SourceFormatError, match="not a readable zip"):
        read_member(path, "data.csv")
    path = write_zip(bomb(100 * 1024**2, size=100 * 1024**2))
    with pytest.raises(SourceFormatError, match=r"105 MB once unpacked, from 0\.1 MB"):  # packed too well to be a table
        members(path)
    monkeypatch.setattr(_archive, "_accept", lambda *_args: None)
    with open_member(path, "data.csv", limit=10**6) as stream:
        stream.read(10_000)
        with pytest.raises(SourceFormatError, match="more than 1 MB"):
            stream.read(10**6)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (crafted(flag_bits=1), "is encrypted"),
        (zipped({"data.csv": CSV}, ZIP_BZIP2), "packed in a rare way"),
        (crafted(packed=b"\xff" * 40), "not a readable zip"),
        (crafted(CRC=1), "not a readable zip"),
        (crafted(size=40), "shorter than announced"),
        (b"PK\x03\x04 nothing more", "not a readable zip"),
    ],
    ids=["encrypted", "bzip2", "deflate", "crc", "short", "no directory"],
)
def test_damaged_zips(write_zip, content, words):
    with pytest.raises(SourceFormatError, match=words):
        read_member(write_zip(content), "data.csv")


def test_zips_with_any_byte_wrong(write_zip):
    good = zipped({"data.csv": CSV * 20, "é.csv": CSV})
    for at in range(len(good)):
        for value in (0x00, 0xFF, good[at] ^ 0x01):
            path = write_zip(good[:at] + bytes([value]) + good[at + 1 :])
            try:
                assert read_member(path, "data.csv") == CSV * 20
                [read_member(path, name) for name in members(path)]
            except TerritoireGeoError:
                pass
