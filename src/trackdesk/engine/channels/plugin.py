"""Apprise's plugins: loaded when first needed, taken one by one, with everything off that we do ourselves.

Only the plugin is used, none of Apprise's own dispatch: no shared pool of threads, no retries, no pacing, no redirects.
"""

from __future__ import annotations

import logging
import threading
import warnings
from functools import cache
from typing import Any

import apprise
import apprise.plugins

from trackdesk.domain.errors import Invalid
from trackdesk.engine.channels.redaction import scrubber
from trackdesk.engine.channels.urls import ACCEPTED
from trackdesk.engine.channels.verdict import collector

_LOCAL_SCHEMES = frozenset(
    # They show or write on the machine the server runs on, use its devices, or read keys from its files.
    {
        "blink1",
        "dbus",
        "file",
        "fcm",
        "gio",
        "glib",
        "gnome",
        "growl",
        "kde",
        "macosx",
        "qt",
        "syslog",
        "vapid",
        "windows",
    }
)
_UNPROVEN_SCHEMES = frozenset(
    # Sent without any answer, or from threads of the plugin's own, where addresses can't be checked.
    {"rsyslog", "xmpp", "xmpps", "mqtt", "mqtts", "smpp", "smpps"}
)
_FILE_OPTIONS = frozenset({"attach", "keyfile", "pgp", "pgpprv", "pgppub", "pgpkey", "subfile"})

_CONNECT_SHARE, _READ_SHARE, _MAIL_SHARE = 0.4, 0.5, 0.9
"""Shares of our deadline; connecting and reading stay below it together. Mail has one limit for each of its steps."""

_loading = threading.Lock()


def _asset() -> apprise.AppriseAsset:
    return apprise.AppriseAsset(
        app_id="trackdesk",
        app_desc="trackdesk",
        app_url="",
        image_url_mask="",
        image_url_logo="",
        storage_mode=apprise.PersistentStoreMode.MEMORY,
        allow_templates=False,
        http_redirects=False,
        pgp_autogen=False,
        pem_autogen=False,
        default_service_retry=0,
        default_service_wait=0.0,
    )


@cache
def _load() -> None:
    """Once. What these libraries log holds tokens and recipients, so it goes to our collector and nowhere else. That
    they import something deprecated is nothing a user could change."""
    for name in ("apprise", "urllib3", "requests_oauthlib", "oauthlib"):
        logger = logging.getLogger(name)
        logger.propagate = False
        logger.setLevel(logging.DEBUG)
        logger.addHandler(collector)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        apprise.plugins.N_MGR.load_modules()  # type: ignore[no-untyped-call]


def build_plugin(url: str, *, timeout: float) -> Any:
    """The plugin for `url`, its waits kept below `timeout` (seconds). Blocks up to a second the first time.

    Raises Invalid, field `url`, when Apprise doesn't know it, it would touch this machine, or it names nobody.
    """
    with _loading:
        _load()
        parsed = apprise.plugins.url_to_dict(url.strip())  # type: ignore[no-untyped-call]
        if not parsed:
            raise Invalid("url", f"is not one that is known here; accepted: {ACCEPTED}")
        _refuse_local(parsed)
        plugin = _instantiate(url, parsed)
    _set_limits(plugin, timeout)
    return plugin


def _refuse_local(parsed: dict[str, Any]) -> None:
    scheme = str(parsed.get("schema", "")).lower()
    if scheme in _LOCAL_SCHEMES:
        raise Invalid("url", f"{scheme}:// touches the machine the server runs on; accepted: {ACCEPTED}")
    if scheme in _UNPROVEN_SCHEMES:
        raise Invalid(
            "url", f"{scheme}:// can't be proven to arrive or be kept to safe addresses; accepted: {ACCEPTED}"
        )
    options = {str(key).strip().lower() for key in parsed.get("qsd") or {}}
    if options & _FILE_OPTIONS:
        raise Invalid("url", f"?{min(options & _FILE_OPTIONS)}= would read files of this machine; leave it out")


def _instantiate(url: str, parsed: dict[str, Any]) -> Any:
    clean = scrubber(url)
    scheme = parsed["schema"]
    parsed |= {"redirect": False, "retry": 0, "wait": 0.0}
    try:
        plugin = apprise.Apprise.instantiate(parsed, asset=_asset(), suppress_exceptions=False)
    except Exception as error:  # plugins raise whatever they like about what they are given
        raise Invalid("url", f"is no {scheme}:// URL that Apprise can use: {clean(str(error))[:200]}") from None
    if plugin is None:
        raise Invalid("url", f"{scheme}:// needs a library that is not installed here; accepted: {ACCEPTED}")
    if any(isinstance(value, apprise.AppriseAttachment) and len(value) for value in vars(plugin).values()):
        raise Invalid("url", "names a template or key file of this machine; leave it out")
    if len(plugin) == 0:
        raise Invalid("url", f"names nobody to send to; see Apprise's page on {scheme}://")
    return plugin


def _set_limits(plugin: Any, timeout: float) -> None:
    mail = "mailto" in plugin.schemas()
    connect = timeout * (_MAIL_SHARE if mail else _CONNECT_SHARE)
    plugin.socket_connect_timeout = min(plugin.socket_connect_timeout, connect)
    plugin.socket_read_timeout = min(plugin.socket_read_timeout, timeout * _READ_SHARE)
    plugin.redirects = False
    plugin.retry, plugin.wait = 0, 0.0
    plugin.request_rate_per_sec = 0
