"""All benchmarks in quick form: `python -m bench`; one of them: `python -m bench NAME [its flags]`."""

import importlib
import subprocess
import sys

QUICK = {
    "ingest": ["--rounds", "3", "--seconds", "2"],
    "pings": ["--rounds", "3"],
    "metrics": ["--rounds", "3", "--seconds", "2", "--idle", "5"],
    "deadlines": ["--active", "100000", "--single", "100", "--idle", "5"],
    "expectations": ["--idle", "5", "--starts", "2000"],
    "lists": ["--runs", "100000", "--incidents", "5000", "--repeat", "10"],
    "triage": ["--incidents", "10000", "--repeat", "5"],
    "stats": ["--runs", "100000", "--repeat", "5"],
    "charts": ["--samples", "200000", "--repeat", "5", "--idle", "5"],
    "large": ["--runs", "100000", "--calls", "100"],
    "retention": ["--old", "20000", "--minutes", "2"],
    "rules": ["--samples", "20000", "--probes", "40", "--minute", "10", "--kinds", "2"],
    "console": ["--rounds", "3", "--keys", "20"],
    "bulk": ["--rounds", "2", "--requests", "10"],
    "writer": ["--rounds", "2", "--seconds", "1", "--uvloop"],
}


def main() -> None:
    if len(sys.argv) > 1:
        name = sys.argv.pop(1)
        if name not in QUICK:
            raise SystemExit(f"there is no benchmark {name!r}; there are {', '.join(QUICK)}")
        importlib.import_module(f"bench.{name}").main()
        return
    for name, flags in QUICK.items():
        print(f"\n== {name} {' '.join(flags)}", flush=True)
        subprocess.run([sys.executable, "-m", f"bench.{name}", *flags], check=False)


if __name__ == "__main__":
    main()
