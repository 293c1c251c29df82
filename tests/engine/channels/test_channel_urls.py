from __future__ import annotations

import subprocess
import sys

import pytest

from trackdesk.domain.errors import Invalid
from trackdesk.engine.channels.redaction import redact, scrubber
from trackdesk.engine.channels.sender import validate_url

GOOD = [
    "webhook+https://hooks.example.org/a/b?x=1",
    "WEBHOOK+HTTP://10.0.0.1:8080",
    "webhook+https://[2606:2800:220:1::1]:8443/x",
    "json://example.org/path",
    "mailtos://user:pass@example.org?to=ops@example.org",
    "slack://T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ/#general",
    "https://hooks.slack.com/services/T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ",
    "discord://4174216298/JHMHI8qBe7bk2ZwO5U711o3dV_js",
    "tgram://123456789:abcdefg_hijklmnop/12315544/",
    "ntfys://ops-topic-name",
]


@pytest.mark.parametrize("url", GOOD)
def test_network_services_are_taken(url: str) -> None:
    validate_url(url, None)


BAD = [
    "",
    "nonsense",
    "https://example.org/hook",
    "webhook+https://",
    "webhook+https:///path",
    "webhook+https://host:99999/",
    "webhook+http://host:0/",
    "webhook+http://169.254.169.254/latest",
    "webhook+http://[fe80::1]/",
    "unheardof://a/b",
    "slack://tooshort",
    "json://example.org/\x00",
    "json://" + "a" * 3000,
    "syslog://",
    "dbus://",
    "gnome://",
    "macosx://",
    "windows://",
    "glib://",
    "rsyslog://example.org",
    "file:///etc/passwd",
    "json://example.org/?attach=/etc/passwd",
    "mailto://user:pass@example.org?PGPprv=/etc/shadow",
    "slack://T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ/?template=/etc/passwd",
]


@pytest.mark.parametrize("url", BAD)
def test_other_urls_are_refused_by_field(url: str) -> None:
    with pytest.raises(Invalid) as refused:
        validate_url(url, None)
    assert refused.value.field == "url"
    assert "TIiajkdnlazkcOXrIdevi7FQ" not in str(refused.value)


def test_a_refusal_says_what_is_accepted() -> None:
    with pytest.raises(Invalid, match=r"syslog:// touches the machine.*webhook\+https://.*slack://"):
        validate_url("syslog://", None)


def test_a_refused_url_is_not_repeated_with_its_secrets() -> None:
    with pytest.raises(Invalid) as refused:
        validate_url("tgram://hunter2hunter2/hidden-chat", None)
    assert "hunter2" not in str(refused.value)


@pytest.mark.parametrize("secret", ["", "short", "x" * 257, "with\nnewline", "snowmän-1234"])
def test_a_secret_outside_its_bounds_is_refused(secret: str) -> None:
    with pytest.raises(Invalid) as refused:
        validate_url("webhook+https://example.org/", secret)
    assert refused.value.field == "secret"


def test_a_secret_makes_no_sense_for_other_services() -> None:
    with pytest.raises(Invalid, match=r"secret: signs webhook\+https://"):
        validate_url("json://example.org/", "a-long-secret")


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("slack://T1JJ3T3L2/A1BRTD4JD/TIiajkdn/#general", "slack://…"),
        ("webhook+https://bob:pw@hooks.example.org/a/b?k=v", "webhook+https://hooks.example.org/…"),
        ("webhook+http://10.0.0.1:8080", "webhook+http://10.0.0.1:8080/…"),
        ("webhook+http://[::1]:8080/x", "webhook+http://[::1]:8080/…"),
        ("mailtos://user:p@ss@example.org?to=a@b.c", "mailtos://example.org/…"),
        ("https://discord.com/api/webhooks/1/token", "https://discord.com/…"),
        ("ntfy://secret-topic", "ntfy://…"),
        ("json://to ken/x", "json://…"),
        ("no url at all", "…"),
    ],
)
def test_a_url_is_shown_by_scheme_and_host_only(url: str, shown: str) -> None:
    assert redact(url) == shown


def test_every_part_of_a_url_is_cut_out_of_texts() -> None:
    clean = scrubber("slack://T1JJ3T3L2/A1BRTD4JD/tok%2Fen/?key=va%20lue", "the-secret")
    text = "t1jj3t3l2 A1BRTD4JD tok%2Fen tok/en va%20lue va lue the-secret stays"
    assert clean(text) == "… … … … … … … stays"


def test_the_host_of_a_host_named_url_stays_readable() -> None:
    clean = scrubber("mailto://bob:pw@example.org/?to=ops@example.com")
    assert clean("bob pw at example.org to ops@example.com") == "… … at example.org to …"


def test_choosing_a_sender_loads_neither_apprise_nor_aiohttp() -> None:
    code = (
        "import sys; from trackdesk.engine.channels.sender import open_sender, redact, validate_url; "
        "validate_url('webhook+https://example.org/', None); print({'apprise', 'aiohttp'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
