"""Letters that are taken for others: punycode in clear, scripts that are mixed, Cyrillic and Greek that look Latin."""

import re
import unicodedata

_PUNYCODE = "xn--"
_SCRIPTS = ("LATIN", "CYRILLIC", "GREEK", "ARMENIAN", "CHEROKEE")  # those whose letters are confused with each other
# A selection of the letters that Unicode calls confusable with small Latin ones (UTS 39, confusables.txt).
_LOOK_ALIKES = str.maketrans(
    {
        **dict(zip("аеорсухіјѕԁһԛԝӏьѵԍ", "aeopcyxijsdhqwlbvg", strict=True)),  # Cyrillic
        **dict(zip("αονρυικτχγωϲϳ", "aovpuiktxywcj", strict=True)),  # Greek
        **dict(zip("ıɡɑ", "iga", strict=True)),  # Latin itself
    }
)
# Digits beside a letter that can be read as one: 0 and 1 anywhere, the others only between two letters.
_DIGITS = re.compile(r"(?:(?<=[a-z])[01]+(?![0-9])|(?<![0-9])[01]+(?=[a-z])|(?<=[a-z])[345](?=[a-z]))")
_READ_AS = str.maketrans("01345", "oleas")


def decoded(label: str) -> str:
    """A label of a host with its punycode undone (RFC 3492); as it is where there is none, or none that is valid."""
    if not label.startswith(_PUNYCODE) or not label.isascii():
        return label
    try:
        return label.removeprefix(_PUNYCODE).encode("ascii").decode("punycode") or label
    except (ValueError, OverflowError):
        return label


def scripts(text: str) -> set[str]:
    """Which of the scripts that are confused with each other the letters of a text are of, by their Unicode names."""
    names = (unicodedata.name(letter, "").partition(" ")[0] for letter in text if letter.isalpha())
    return {name.title() for name in names if name in _SCRIPTS}


def look_alike(text: str) -> str:
    """The text with the Latin letters that its Cyrillic and Greek ones look like."""
    return text.translate(_LOOK_ALIKES)


def digits_as_letters(text: str) -> str:
    """The text with the letters that digits in the midst of letters may be read as: 'paypa1' as 'paypal'."""
    return _DIGITS.sub(lambda digits: digits[0].translate(_READ_AS), text)
