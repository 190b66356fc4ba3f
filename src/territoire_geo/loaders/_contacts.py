"""E-mail addresses and telephone numbers that stand in free text: never kept, they may be a person's."""

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import pandas as pd

MAIL: Final = r"(?:mailto\s*:\s*)?[^\s@<>()\[\],;:/]+\s?@\s?[^\s@<>()\[\],;:]+\.[^\s@<>()\[\],;:]+"
COUNTRIES: Final = "33|262|508|590|594|596|681|687|689"  # France, and its overseas parts
PHONE: Final = (
    rf"(?:(?:\+|(?<!\d)00)\s?(?:{COUNTRIES})[\s.()\-]*(?:0\)?)?[\s.\-]*[1-9]|(?<![\d+])0[1-9])"
    r"(?:[\s.\-/]*\d{2}){4}(?!\d)"
)
CONTACT: Final = rf"(?i)(?:t[eé]l(?:[eé]phone)?|courriel|e-?mail)?[\s.:]*(?:{MAIL}|{PHONE})"


def without_contacts(texts: "pd.Series[str]") -> "pd.Series[str]":
    """
    Remove e-mail addresses and French telephone numbers from texts.

    Parameters
    ----------
    texts
        Names, addresses.

    Returns
    -------
    without_contacts
        The same texts without them, and without the spaces left at their ends.

    Examples
    --------
    >>> import pandas as pd
    >>> without_contacts(pd.Series(["Jura Services tél. 03 84 00 00 00", "1 rue du Sé, 39100", "a.b@c.fr"])).tolist()
    ['Jura Services', '1 rue du Sé, 39100', '']
    """
    bare = texts.str.replace(CONTACT, " ", regex=True).str.replace(r"\(\s*\)|\[\s*\]", " ", regex=True)
    return bare.str.replace(r"\s+", " ", regex=True).str.strip(" -–,;:/")


def links(texts: "pd.Series[str]") -> "pd.Series[str]":
    """
    Keep the addresses of web sites: http or https, without an e-mail address or a telephone number inside.

    Parameters
    ----------
    texts
        What was entered as a web site.

    Returns
    -------
    links
        The addresses; blank where there is none.

    Examples
    --------
    >>> import pandas as pd
    >>> links(pd.Series(["https://jura.example/a", "mailto:a@b.fr", "jura.example", "https://x.fr/?m=a@b.fr"])).tolist()
    ['https://jura.example/a', '', '', '']
    """
    text = texts.str.strip()
    web = text.str.fullmatch(r"(?i)https?://\S+").eq(True)  # noqa: FBT003 - NaN is no link
    return text.where(web & ~text.str.contains("@|%40", case=False) & ~text.str.contains(PHONE), "")
