"""What every refusal must be: one sentence, on the command line the only one."""

import pytest

from compression.__main__ import main


def sentence(error: BaseException) -> str:
    """The sentence an error consists of."""
    text = str(error)
    assert text.endswith(".")
    assert "\n" not in text
    assert len(text) < 300
    return text


def refused(capsys: pytest.CaptureFixture[str], *arguments: object) -> str:
    """The sentence a refused command prints: exit code 2, one line on standard error, nothing on standard output."""
    code = main([str(argument) for argument in arguments])
    out, err = capsys.readouterr()
    assert code == 2, err
    assert out == ""
    lines = [line for line in err.splitlines() if line]
    assert len(lines) == 1, err
    assert "Traceback" not in err
    return lines[0]
