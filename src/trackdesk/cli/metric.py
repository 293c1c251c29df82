"""`trackdesk metric push SERVICE TYPE VALUE`, or `push -` for lines of JSON; `metric chart` draws what was pushed."""

from __future__ import annotations

import json
import os
import sys
from functools import partial
from typing import TYPE_CHECKING, Any

from trackdesk.cli import metric_chart
from trackdesk.cli.actions import Actions
from trackdesk.cli.common import checked, complain, connect, finite, print_json, send_kept, settings_of, tag
from trackdesk.cli.exits import FAILED, OK, UNREACHABLE, USAGE
from trackdesk.sdk import values, wire
from trackdesk.sdk.http import ServerAway

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Iterator

    from trackdesk.sdk.http import Http
    from trackdesk.settings import Settings

_MOST = 500
"""Samples in one request."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    actions = Actions(parser, _needs_action)
    one = actions.add("push", push, "record a sample, or the lines of stdin")
    one.epilog = (
        "Examples: trackdesk metric push crm-api LATENCY_MS 182.5 --tag region=eu; trackdesk metric push - < samples, "
        'with lines such as {"service": "crm-api", "metric_type": "LATENCY_MS", "value": 182.5}. What finds no server '
        "is kept and sent later, once. Exit code 1: some lines were refused; 3: kept."
    )
    one.add_argument("service", metavar="SERVICE", type=checked(_service), help="what it is of; or - to read lines")
    one.add_argument(
        "metric_type",
        metavar="TYPE",
        nargs="?",
        default=None,
        type=checked(metric_chart.metric_type),
        help="LATENCY_MS, say",
    )
    one.add_argument(
        "value", metavar="VALUE", nargs="?", default=None, type=checked(partial(finite, "value")), help="a number"
    )
    one.add_argument("--tag", action="append", metavar="K=V", type=checked(tag), default=None, help="may be repeated")
    one.add_argument("--at", metavar="TIME", type=checked(_time), default=None, help="when it was measured; now")
    metric_chart.add_arguments(actions.add("chart", metric_chart.chart, "draw what was measured over time"))


def run(args: argparse.Namespace) -> int:
    return int(args.action(args))


def _needs_action(_: argparse.Namespace) -> int:
    complain("expected an action, as in: trackdesk metric push crm-api LATENCY_MS 182.5")
    return USAGE


def push(args: argparse.Namespace) -> int:
    settings = settings_of(args)
    sender = _Sender(settings)
    if args.service == "-":
        for numbers, samples in _batches(sender.refuse):
            sender.send(samples, numbers)
    elif args.value is None:
        complain("expected SERVICE TYPE VALUE, or - for lines of stdin")
        return USAGE
    else:
        sample = {"service": args.service, "metric_type": args.metric_type, "value": args.value}
        if args.tag:
            sample["tags"] = dict(args.tag)
        if args.at is not None:
            sample["recorded_at"] = args.at
        sender.send([_named(sample)], None)
    return sender.end(args.json)


def _named(sample: dict[str, Any]) -> dict[str, Any]:
    """With what makes it the same sample when it is sent again."""
    timed = {} if "recorded_at" in sample or "timestamp" in sample else {"recorded_at": _now()}
    return {"uid": os.urandom(10).hex(), **timed, **sample}


def _now() -> str:
    return values.rfc3339(values.now_micros())


def _batches(refuse: Callable[[int, str], None]) -> Iterator[tuple[list[int], list[dict[str, Any]]]]:
    """The samples of stdin, with the numbers of their lines; what is no object goes to `refuse`."""
    numbers: list[int] = []
    samples: list[dict[str, Any]] = []
    for number, raw in enumerate(sys.stdin.buffer, 1):
        if not raw.strip():
            continue
        try:
            sample = json.loads(raw)
        except ValueError as error:  # also what is no UTF-8
            refuse(number, f"expected JSON ({error})")
            continue
        if not isinstance(sample, dict):
            refuse(number, "expected an object")
            continue
        numbers.append(number)
        samples.append(_named(sample))
        if len(samples) == _MOST:
            yield numbers, samples
            numbers, samples = [], []
    if samples:
        yield numbers, samples


class _Sender:
    """Sends samples; what finds no server is kept."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._http: Http | None = None
        self._accepted = self._kept = self._lost = self._refused = 0

    def send(self, samples: list[dict[str, Any]], numbers: list[int] | None) -> None:
        """`numbers`: of the lines; None: there was only this sample, and what is wrong with it is raised."""
        try:
            self._http = self._http or connect(self._settings)
            if numbers is None:
                self._http.call("POST", "/v1/metrics", samples[0])
                self._accepted += 1
                return
            lines = b"".join(json.dumps({**sample, "kind": "metric"}).encode() + b"\n" for sample in samples)
            answer = wire.ingest(self._http, lines, len(samples))
        except ServerAway as away:
            if self._http is not None:
                self._http.close()
                self._http = None
            self._keep(samples, str(away))
            return
        self._accepted += answer["accepted"]
        for refused in answer["refused"]:
            self.refuse(numbers[refused["line"] - 1], refused["detail"])

    def refuse(self, number: int, detail: str) -> None:
        complain(f"line {number}: {detail}")
        self._refused += 1

    def _keep(self, samples: list[dict[str, Any]], why: str) -> None:
        from trackdesk.sdk.spool import Report, Spool

        if not self._kept + self._lost:
            complain(why)
        name = str(samples[0].get("service", "stdin"))
        report = Report(name, self._settings.url, self._settings.namespace, samples=samples)
        if Spool(self._settings.spool).save(report):
            self._kept += len(samples)
        else:
            self._lost += len(samples)

    def end(self, as_json: bool) -> int:
        if self._kept:
            complain(f"{self._kept} kept; the next trackdesk command that gets through sends them")
        if as_json:
            print_json({"accepted": self._accepted, "refused": self._refused, "kept": self._kept})
        if self._http is not None:
            send_kept(self._http, self._settings)
            self._http.close()
        return UNREACHABLE if self._kept or self._lost else FAILED if self._refused else OK


def _service(text: str) -> str:
    if text != "-" and not (1 <= len(text) <= 100 and text.isprintable() and "/" not in text and text == text.strip()):
        raise ValueError(f"service: expected 1 to 100 printable characters without '/', not {text!r}")
    return text


def _time(text: str) -> str | int:
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 12 else values.instant("at", text)
