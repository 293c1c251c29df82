"""Bodies to begin with, shown in the document and on the page; a test holds them to the models."""

from __future__ import annotations

from typing import Any, Final

EXAMPLES: Final[dict[str, dict[str, Any]]] = {
    "runs.start": {
        "with a deadline": {"id": "2026-01-02", "deadline": "30m", "tags": {"env": "prod", "host": "n1"}},
        "tags as a list": {"deadline": "2026-01-02T03:04:05Z", "tags": [{"key": "env", "value": "prod"}]},
    },
    "runs.patch": {"progress": {"progress": {"done": 88, "total": 120}}, "more time": {"deadline": "2h"}},
    "runs.complete": {
        "done": {"status": "COMPLETED"},
        "failed": {"status": "FAILED", "error": {"message": "502 from crm-api"}},
    },
    "runs.log": {
        "one line": {"message": "batch 88/120", "level": "INFO"},
        "several": [
            {"message": "retry 3", "level": "WARN", "seq": 1},
            {"message": "gave up", "level": "ERROR", "seq": 2},
        ],
    },
    "ingest.send": {
        "examples": [
            '{"kind": "run.start", "uid": "a1", "process": "backup"}\n{"kind": "run.complete", "start": "a1"}\n',
        ]
    },
    "metrics.send": {
        "one sample": {
            "service": "crm-api",
            "metric_type": "LATENCY_MS",
            "value": 182.5,
            "recorded_at": "2026-01-02T03:04:05Z",
            "tags": {"region": "eu"},
        },
        "several": [
            {"service": "crm-api", "metric_type": "ERROR_RATE", "value": 0.4, "uid": "probe-7-311"},
            {"service": "crm-api", "metric_type": "PACKET_LOSS", "value": 0},
        ],
    },
    "services.add": {"described": {"name": "crm-api", "description": "Customers and contracts", "depends_on": ["db"]}},
    "services.patch": {"given to a team": {"department": "ops"}},
    "processes.patch": {
        "expectation": {
            "schedule": {"cron": "0 2 * * *", "timezone": "Europe/Berlin"},
            "grace": "10m",
            "default_deadline": "30m",
            "department": "ops",
        },
        "every quarter of an hour": {"schedule": {"every": "15m"}, "grace": "2m", "alert_after_failures": 3},
        "no default deadline": {"default_deadline": None},
    },
    "processes.put": {"all of it": {"schedule": {"every": "15m"}, "grace": "2m", "service": "crm"}},
    "processes.pause": {
        "for two hours": {"until": "2h", "reason": "the database is being moved"},
        "until it is resumed": {},
    },
    "processes.test": {"a shorter deadline": {"default_deadline": "20m", "since": "90d"}},
    "incidents.report": {"found by a person": {"title": "Invoices arrive twice", "severity": "HIGH"}},
    "incidents.patch": {"take": {"status": "TRIAGED", "assignee": "ada"}, "close": {"status": "CLOSED"}},
    "incidents.bulk": {
        "by number": {"ids": [41, 42], "status": "CLOSED", "comment": "rerun went through"},
        "by filter": {"q": "status:OPEN process:import*", "expect": 2, "assignee": "ada"},
    },
    "alerts.alertmanager": {
        "one alert": {
            "version": "4",
            "status": "firing",
            "alerts": [
                {
                    "status": "firing",
                    "labels": {"alertname": "DiskFull", "severity": "critical", "job": "node", "instance": "n1"},
                    "annotations": {"summary": "The disk of n1 is full"},
                    "startsAt": "2026-01-02T03:04:05Z",
                    "endsAt": "0001-01-01T00:00:00Z",
                    "generatorURL": "https://prometheus.example.org/graph",
                    "fingerprint": "b5d4045c3f466fa9",
                }
            ],
        }
    },
    "comments.add": {"a word": {"content": "rerun waits for the crm fix"}},
    "rules.add": {
        "a threshold": {"metric_type": "LATENCY_MS", "operator": ">", "threshold": 150, "severity": "HIGH"},
        "of a window, and it must last": {
            "id": "slow-checkout",
            "metric_type": "LATENCY_MS",
            "service": "checkout",
            "aggregate": "p95",
            "window": "5m",
            "operator": ">",
            "threshold": 150,
            "recover_threshold": 120,
            "for": "2m",
        },
        "silence": {"metric_type": "HEARTBEAT", "no_data_after": "10m", "severity": "CRITICAL"},
    },
    "rules.patch": {"off": {"enabled": False}, "a higher threshold": {"threshold": 200}},
    "rules.test": {"a higher threshold over a week": {"threshold": 200, "since": "7d"}},
    "rules.preview": {
        "before it is saved": {"metric_type": "LATENCY_MS", "operator": ">", "threshold": 150, "since": "1d"},
    },
    "departments.add": {"a team": {"id": "ops", "name": "Operations"}},
    "departments.patch": {"a new name": {"name": "Night operations"}},
    "channels.add": {
        "signed webhook": {"name": "pager", "url": "webhook+https://pager.example.org/in", "secret": "at least 8 long"},
        "mail": {"name": "mail-ops", "url": "mailto://user:password@mail.example.org?to=ops@example.org"},
    },
    "channels.patch": {"only what is grave": {"min_severity": "HIGH"}, "off": {"enabled": False}},
    "configuration.apply": {
        "what would change": {
            "departments": {"ops": {"name": "Operations"}},
            "processes": {"nightly-backup": {"department": "ops", "default_deadline": "30m"}},
            "dry_run": True,
        }
    },
    "silences.add": {
        "two hours": {"match": {"service": "crm"}, "until": "2h", "reason": "deploy of crm 4.2"},
        "by tag, later": {
            "match": {"process": ["import*", "export"], "severity": ["LOW", "MEDIUM"], "tag": {"env": "test"}},
            "from": "2026-01-02T22:00:00Z",
            "until": "2026-01-03T06:00:00Z",
            "reason": "the test machines are moved",
        },
    },
    "silences.patch": {"an hour more from now": {"until": "1h"}},
    "silences.preview": {"what it would have muted": {"match": {"service": "pay*"}, "since": "7d"}},
    "maintenance.add": {
        "every Sunday": {
            "name": "weekly patching",
            "service": "crm",
            "schedule": {"cron": "0 2 * * 0", "timezone": "Europe/Berlin"},
            "duration": "2h",
            "reason": "the machines are patched",
        },
        "once": {
            "name": "move",
            "department": "ops",
            "from": "2026-01-02T22:00:00Z",
            "until": "2026-01-03T06:00:00Z",
            "reason": "the data centre is moved",
        },
    },
    "maintenance.patch": {"longer": {"duration": "3h"}},
    "cleanup.run": {
        "count first": {"older_than": "90d", "dry_run": True},
        "one process": {"older_than": "7d", "process": "heartbeat"},
    },
    "keys.add": {"for scripts": {"name": "cron on n1", "role": "INGEST"}},
    "keys.patch": {"a limit": {"rate_limit": 100}},
}
