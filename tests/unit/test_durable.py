"""Files that are whole whenever one looks."""

import errno
import os
import stat
from pathlib import Path

import pytest

from compression import durable


def test_what_was_there_stays_until_the_new_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "folder" / "record.json"
    durable.write(path, lambda draft: draft.write_text("first"))

    def halfway(draft: Path) -> None:
        draft.write_text("sec")
        assert path.read_text() == "first"
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        durable.write(path, halfway)
    assert path.read_text() == "first"
    durable.write(path, lambda draft: draft.write_text("second"))
    assert path.read_text() == "second"
    assert list(path.parent.iterdir()) == [path]


@pytest.mark.parametrize("of_folders", [True, False])
def test_a_disk_that_cannot_sync_folders_will_do_one_that_cannot_sync_files_will_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, of_folders: bool
) -> None:
    def sync(handle: int) -> None:
        if stat.S_ISDIR(os.fstat(handle).st_mode) == of_folders:
            raise OSError(errno.EINVAL, os.strerror(errno.EINVAL))

    monkeypatch.setattr(os, "fsync", sync)
    path = tmp_path / "record.json"
    if of_folders:
        durable.write(path, lambda draft: draft.write_text("whole"))
        durable.sync(tmp_path)
        assert path.read_text() == "whole"
        return
    with pytest.raises(OSError, match="Invalid argument"):
        durable.write(path, lambda draft: draft.write_text("whole"))
    assert list(tmp_path.iterdir()) == []
    path.write_text("whole")
    with pytest.raises(OSError, match="Invalid argument"):
        durable.sync(tmp_path)
