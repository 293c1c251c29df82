from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import platformdirs
import pytest

from trackdesk import settings
from trackdesk.sdk import locate

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def places(tmp_path: Path) -> dict[str, str]:
    (tmp_path / "data").mkdir()
    (tmp_path / "config" / "trackdesk").mkdir(parents=True)
    return {
        "TRACKDESK_DATA_DIR": str(tmp_path / "data"),
        "XDG_CONFIG_HOME": str(tmp_path / "config"),
        "HOME": "/nowhere",
    }


def test_flags_beat_environment_beats_files_beat_defaults(tmp_path: Path, places: dict[str, str]) -> None:
    data, config = tmp_path / "data" / "trackdesk.toml", tmp_path / "config" / "trackdesk" / "trackdesk.toml"
    config.write_text('port = 1\nhost = "c"\ntheme = "c"\nread_only = true\n')
    data.write_text('port = 2\nhost = "d"\ntheme = "d"\n')
    found = settings.load({"port": "4"}, {**places, "TRACKDESK_PORT": "3", "TRACKDESK_HOST": "e"})
    assert (found.port, found.source("port")) == (4, "--port")
    assert (found.host, found.source("host")) == ("e", "TRACKDESK_HOST")
    assert (found.theme, found.source("theme")) == ("d", str(data))
    assert (found.read_only, found.source("read_only")) == (True, str(config))
    assert (found.log_level, found.source("log_level")) == ("INFO", "default")


def test_the_paths_follow_the_data_directory(tmp_path: Path, places: dict[str, str]) -> None:
    found = settings.load({}, places)
    assert found.database == tmp_path / "data" / "trackdesk.sqlite3"
    assert found.owner_key_file.parent == found.seal_key_file.parent == found.spool.parent == found.log_file.parent


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("port", "65536"),
        ("port", "x"),
        ("port", "-1"),
        ("url", "localhost:8787"),
        ("url", "ftp://x"),
        ("url", "http://user:pass@x"),
        ("url", "http://x:port"),
        ("enabled", "perhaps"),
        ("log_level", "LOUD"),
        ("host", "http://x"),
        ("namespace", "a b"),
        ("owner_key", "too-short"),
        ("api_key", "with space"),
        ("theme", "x\ty"),
    ],
)
def test_a_bad_value_is_refused_with_its_name_what_is_accepted_and_its_source(
    name: str, value: str, places: dict[str, str]
) -> None:
    setting = settings.BY_NAME[name]
    with pytest.raises(settings.SettingsError) as caught:
        settings.load({}, {**places, setting.env: value})
    assert str(caught.value).startswith(f"{name}: expected {setting.accepted}, not ")
    assert f"from {setting.env}" in str(caught.value)
    assert (repr(value) in str(caught.value)) is not setting.secret


def test_an_empty_variable_counts_as_absent(places: dict[str, str]) -> None:
    assert settings.load({}, {**places, "TRACKDESK_PORT": ""}).port == 8787


def test_an_unknown_name_in_the_file_is_refused_with_the_known_ones(tmp_path: Path, places: dict[str, str]) -> None:
    (tmp_path / "data" / "trackdesk.toml").write_text("prot = 1\n")
    with pytest.raises(settings.SettingsError, match=r"prot.*trackdesk\.toml|data_dir.*'prot'"):
        settings.load({}, places)


def test_the_data_directorys_own_file_cannot_move_it(tmp_path: Path, places: dict[str, str]) -> None:
    (tmp_path / "data" / "trackdesk.toml").write_text('data_dir = "/elsewhere"\n')
    with pytest.raises(settings.SettingsError, match="data_dir"):
        settings.load({}, places)


def test_the_api_key_flag_names_a_file(tmp_path: Path, places: dict[str, str]) -> None:
    (tmp_path / "key").write_text("tdk_secret\n")
    found = settings.load({"api_key_file": str(tmp_path / "key")}, places)
    assert found.api_key == "tdk_secret"
    assert "tdk_secret" not in repr(found)
    with pytest.raises(settings.SettingsError, match="No such file"):
        settings.load({"api_key_file": str(tmp_path / "no")}, places)


@pytest.mark.parametrize("kind", ["data", "config"])
def test_the_default_directories_are_the_platforms(kind: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("XDG_DATA_HOME", raising=False)
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    dirs = platformdirs.PlatformDirs("trackdesk", appauthor=False)
    expected = dirs.user_data_path if kind == "data" else dirs.user_config_path
    assert locate.user_dir(kind, {"HOME": str(tmp_path)}) == expected


def test_settings_and_sdk_agree_on_where_the_data_is(places: dict[str, str], tmp_path: Path) -> None:
    without = {"HOME": str(tmp_path)}
    assert settings.load({}, places).data_dir == locate.data_dir(places)
    assert settings.load({}, without).data_dir == locate.data_dir(without)


def test_loading_settings_loads_the_standard_library_only() -> None:
    code = (
        "import sys; from trackdesk import settings; settings.load(); "
        "names = {name.partition('.')[0] for name in sys.modules} - sys.stdlib_module_names; "
        "print(sorted(names - {'trackdesk', '__main__', '_distutils_hack'}))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=30)
    assert done.stdout.strip() == "[]"


def test_a_file_without_end_is_refused(places: dict[str, str]) -> None:
    with pytest.raises(settings.SettingsError, match=r"expected a file of at most 64 KiB, not '/dev/zero'"):
        settings.load({"api_key_file": "/dev/zero"}, places)
