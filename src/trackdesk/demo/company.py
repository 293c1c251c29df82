"""Who works at the company, and what runs there. Times in µs; nothing here is real."""

from __future__ import annotations

from typing import NamedTuple

from trackdesk.domain.clock import DAY, HOUR, MINUTE, SECOND


class Job(NamedTuple):
    """A process of the company. `fails`, `late` and `silent` are the shares of its runs that end so."""

    name: str
    department: str
    service: str
    category: str
    description: str
    every: int
    takes: int
    budget: int
    fails: float = 0.02
    late: float = 0.02
    silent: float = 0.0
    keep: float = 1.0
    """The share of its runs that the history tells; jobs of every few seconds would fill it alone."""
    items: tuple[str, int] | None = None
    """What it counts, and about how many of them."""
    errors: tuple[str, ...] = ("exit code 1",)
    stopped: int = 0
    """How long before the present its last run is told of; 0 goes on."""


class Person(NamedTuple):
    """Somebody who looks after a department's incidents."""

    name: str
    department: str
    finds: tuple[str, ...]


class Report(NamedTuple):
    """An incident that somebody files. `ago`: how long before the present."""

    ago: int
    by: str
    title: str
    description: str
    severity: str
    service: str
    department: str
    file: tuple[str, str] | None = None
    """Name and content of what is attached."""


class Pause(NamedTuple):
    """A process that somebody has paused. `ago`: how long before the present; `until`: how long after it it ends."""

    process: str
    by: str
    ago: int
    until: int
    reason: str


class Outage(NamedTuple):
    """A bad time of a service: most runs that need it fail. From and until: how long before the present."""

    service: str
    begins: int
    ends: int
    error: str


DEPARTMENTS = (
    ("payments", "Payments", "Money in, money out, and the books in between."),
    ("data", "Data", "Imports, the warehouse, models and reports."),
    ("infra", "Infrastructure", "Backups, certificates, machines and networks."),
    ("web", "Web", "The shop, its search and what it sends to people."),
)

PEOPLE = (
    Person("ada", "payments", ("bank answers slowly today, told their desk", "rerun went through", "limit raised")),
    Person("ben", "data", ("source file came half an hour late", "skewed partition, split it", "vendor confirmed")),
    Person("chen", "infra", ("disk was full of old snapshots", "flapping switch, port moved", "certificate renewed")),
    Person("dora", "web", ("CDN purge was stuck", "bad release, rolled back", "queue is draining again")),
)

REPORTS = (
    Report(26 * HOUR, "chen", "Rack 4 is warm", "31 degrees at the top, facility knows.", "LOW", "machines", "infra"),
    Report(5 * HOUR, "dora", "Basket shows old prices", "Two customers wrote in; cache?", "MEDIUM", "shop-api", "web"),
    Report(38 * MINUTE, "ada", "Bank asks about double payouts", "Three merchants, since noon. Hold the payout run.",
        "CRITICAL", "bank-gateway", "payments",
        ("payouts.csv", "merchant,amount,times\n4711,129.00,2\n4718,79.90,2\n5002,12.50,3\n")),
)  # fmt: skip

OUTAGES = (
    Outage("bank-gateway", 31 * HOUR, 30 * HOUR, "503 from bank-gateway: maintenance"),
    Outage("crm-api", 55 * HOUR, 52 * HOUR, "timeout after 30 s talking to crm-api"),
    Outage("warehouse", 8 * HOUR, 7 * HOUR, "warehouse: too many connections"),
)

_BANK = ("503 from bank-gateway", "bank-gateway closed the connection", "ledger does not add up: off by 0.03 EUR")
_CRM = ("timeout after 30 s talking to crm-api", "401 from crm-api: token expired")
_DWH = (
    "warehouse: deadlock found, transaction rolled back",
    "relation stage.orders does not exist",
    "disk quota reached",
)
_BOX = ("no space left on device", "ssh: connection reset by peer", "snapshot is older than 26 h")
_SHOP = ("502 from shop-api", "search index is locked by another writer", "template basket.html: undefined 'total'")

JOBS = (
    # payments: small and often
    Job("card-authorise-batch", "payments", "bank-gateway", "settlement", "Authorises the last half minute's cards.",
        30 * SECOND, 7 * SECOND, 15 * SECOND, 0.03, 0.03, keep=0.014, items=("cards", 140), errors=_BANK),
    Job("payment-settle", "payments", "bank-gateway", "settlement", "Settles captured payments with the bank.",
        45 * SECOND, 14 * SECOND, 30 * SECOND, 0.03, 0.04, keep=0.02, items=("payments", 90), errors=_BANK),
    Job("refund-sweep", "payments", "bank-gateway", "settlement", "Sends refunds that support has approved.",
        80 * SECOND, 11 * SECOND, 25 * SECOND, 0.02, 0.02, keep=0.03, items=("refunds", 12), errors=_BANK),
    Job("fraud-score", "payments", "risk", "risk", "Scores new orders before they ship.",
        40 * SECOND, 9 * SECOND, 20 * SECOND, 0.02, 0.03, keep=0.016, items=("orders", 60),
        errors=("model fraud-v7 not loaded", "feature store is 12 min behind")),
    Job("payout-run", "payments", "bank-gateway", "settlement", "Pays merchants.",
        2 * HOUR, 14 * MINUTE, 30 * MINUTE, 0.04, 0.03, items=("merchants", 480), errors=_BANK),
    Job("invoice-run", "payments", "billing", "billing", "Writes and sends the day's invoices.",
        6 * HOUR, 40 * MINUTE, HOUR, 0.03, 0.06, items=("invoices", 3_200), errors=("printer queue rejects PDF/A",)),
    Job("dunning-letters", "payments", "billing", "billing", "Reminds customers of what is due.",
        DAY, 18 * MINUTE, 45 * MINUTE, 0.02, 0.02, items=("letters", 310)),
    Job("ledger-close", "payments", "ledger", "books", "Closes the books of the day.",
        DAY, 55 * MINUTE, 90 * MINUTE, 0.05, 0.1, errors=("ledger does not add up: off by 0.03 EUR",)),
    Job("sepa-export", "payments", "bank-gateway", "books", "Writes the transfer file for the bank.",
        4 * HOUR, 6 * MINUTE, 15 * MINUTE, 0.03, 0.02, items=("transfers", 900), errors=_BANK),
    Job("exchange-rates", "payments", "ledger", "books", "Fetches the rates of thirty currencies.",
        20 * MINUTE, 25 * SECOND, MINUTE, 0.03, 0.01, keep=0.35, errors=("rate of CHF is 40 % off yesterday's",)),
    # data: long and heavy
    Job("import-customers", "data", "crm-api", "import", "Brings customers over from the CRM.",
        30 * MINUTE, 8 * MINUTE, 20 * MINUTE, 0.03, 0.04, 0.02, keep=0.5, items=("batches", 120), errors=_CRM),
    Job("import-orders", "data", "shop-api", "import", "Brings orders over from the shop.",
        15 * MINUTE, 4 * MINUTE, 10 * MINUTE, 0.02, 0.03, keep=0.35, items=("orders", 2_400), errors=_SHOP),
    Job("import-clicks", "data", "warehouse", "import", "Loads the click stream, minute by minute.",
        50 * SECOND, 12 * SECOND, 30 * SECOND, 0.02, 0.04, keep=0.018, items=("files", 24), errors=_DWH),
    Job("import-stock", "data", "erp", "import", "Reads the stock of five warehouses.",
        10 * MINUTE, 90 * SECOND, 4 * MINUTE, 0.03, 0.02, keep=0.2, items=("sites", 5), errors=("erp: ORA-12170",)),
    Job("dwh-load", "data", "warehouse", "warehouse", "Loads the warehouse from the day's stage.",
        DAY, 70 * MINUTE, 2 * HOUR, 0.05, 0.06, items=("tables", 64), errors=_DWH),
    Job("dwh-marts", "data", "warehouse", "warehouse", "Builds the marts that the reports read.",
        6 * HOUR, 25 * MINUTE, 50 * MINUTE, 0.04, 0.04, items=("marts", 18), errors=_DWH),
    Job("dbt-hourly", "data", "warehouse", "warehouse", "Hourly models.",
        HOUR, 9 * MINUTE, 20 * MINUTE, 0.03, 0.04, items=("models", 140), errors=_DWH),
    Job("quality-checks", "data", "warehouse", "warehouse", "Counts, nulls and referential checks.",
        HOUR, 3 * MINUTE, 10 * MINUTE, 0.05, 0.01, items=("checks", 210),
        errors=("orders.customer_id: 14 orphans", "daily_revenue: null in 3 rows")),
    Job("report-eu", "data", "reports", "report", "The European sales report.",
        8 * HOUR, 22 * MINUTE, 45 * MINUTE, 0.02, 0.05, items=("pages", 36)),
    Job("report-board", "data", "reports", "report", "What the board reads on Monday.",
        DAY, 35 * MINUTE, HOUR, 0.02, 0.04, items=("pages", 12), stopped=7 * HOUR),
    Job("ml-train-recommend", "data", "ml", "models", "Trains the recommendations.",
        12 * HOUR, 150 * MINUTE, 5 * HOUR, 0.05, 0.03, 0.03, items=("epochs", 40), errors=("CUDA out of memory",)),
    Job("ml-score-churn", "data", "ml", "models", "Who is about to leave.",
        4 * HOUR, 12 * MINUTE, 30 * MINUTE, 0.02, 0.02, items=("customers", 52_000)),
    Job("feature-refresh", "data", "ml", "models", "Fresh features for the online models.",
        70 * SECOND, 18 * SECOND, 45 * SECOND, 0.02, 0.03, keep=0.025, items=("features", 320), errors=_DWH),
    # infra: must never be forgotten
    Job("nightly-backup", "infra", "storage", "backup", "All databases to the other site.",
        DAY, 47 * MINUTE, 90 * MINUTE, 0.03, 0.05, 0.02, items=("databases", 22), errors=_BOX),
    Job("backup-wal-ship", "infra", "storage", "backup", "Ships the write-ahead log.",
        60 * SECOND, 8 * SECOND, 20 * SECOND, 0.02, 0.02, keep=0.02, items=("segments", 6), errors=_BOX),
    Job("backup-restore-test", "infra", "storage", "backup", "Restores last night's backup and counts the rows.",
        DAY, 80 * MINUTE, 3 * HOUR, 0.06, 0.02, items=("databases", 22), errors=_BOX),
    Job("certificate-check", "infra", "network", "watch", "Which certificates end soon.",
        6 * HOUR, 3 * MINUTE, 10 * MINUTE, 0.06, 0.0, items=("hosts", 130), errors=("shop cert ends in 6 days",)),
    Job("config-drift", "infra", "machines", "watch", "Machines against their description.",
        HOUR, 5 * MINUTE, 15 * MINUTE, 0.03, 0.02, items=("machines", 86), errors=("web-07: nginx 1.25, wanted 1.27",)),
    Job("patch-hosts", "infra", "machines", "upkeep", "Security updates, a rack at a time.",
        12 * HOUR, 50 * MINUTE, 2 * HOUR, 0.04, 0.03, items=("machines", 86), errors=_BOX),
    Job("image-build", "infra", "registry", "upkeep", "Base images of the day.",
        8 * HOUR, 16 * MINUTE, 40 * MINUTE, 0.05, 0.02, items=("images", 14), errors=("registry: manifest unknown",)),
    Job("log-rotate", "infra", "machines", "upkeep", "Moves the logs of the hour to the archive.",
        HOUR, 2 * MINUTE, 8 * MINUTE, 0.01, 0.01, items=("files", 410)),
    Job("dns-sync", "infra", "network", "watch", "Names from the inventory to the name servers.",
        90 * SECOND, 6 * SECOND, 20 * SECOND, 0.02, 0.01, keep=0.03, items=("zones", 31), errors=_BOX),
    # web: what customers notice
    Job("search-index", "web", "search", "shop", "Keeps the shop's search fresh.",
        55 * SECOND, 20 * SECOND, 40 * SECOND, 0.02, 0.05, keep=0.02, items=("products", 700), errors=_SHOP),
    Job("search-rebuild", "web", "search", "shop", "The whole index anew.",
        DAY, 65 * MINUTE, 2 * HOUR, 0.04, 0.04, items=("products", 61_000), errors=_SHOP),
    Job("sitemap", "web", "shop-api", "shop", "What search engines should know.",
        4 * HOUR, 4 * MINUTE, 15 * MINUTE, 0.02, 0.01, items=("urls", 61_000), stopped=9 * HOUR),
    Job("mail-queue", "web", "mailer", "mail", "Order confirmations and password mails.",
        35 * SECOND, 9 * SECOND, 25 * SECOND, 0.02, 0.03, keep=0.014, items=("mails", 80),
        errors=("smtp: 451 greylisted, try again later", "smtp: 550 mailbox unavailable")),
    Job("newsletter", "web", "mailer", "mail", "The weekly newsletter, in slices.",
        8 * HOUR, 45 * MINUTE, 90 * MINUTE, 0.02, 0.04, items=("mails", 18_000)),
    Job("cache-warm", "web", "shop-api", "shop", "Warms the front page and its neighbours.",
        65 * SECOND, 10 * SECOND, 25 * SECOND, 0.02, 0.02, keep=0.02, items=("pages", 45), errors=_SHOP),
    Job("image-resize", "web", "shop-api", "shop", "New product pictures in nine sizes.",
        75 * SECOND, 16 * SECOND, 45 * SECOND, 0.02, 0.03, 0.01, keep=0.025, items=("pictures", 36), errors=_SHOP),
    Job("price-publish", "web", "shop-api", "shop", "Prices from purchasing to the shop.",
        20 * MINUTE, 70 * SECOND, 3 * MINUTE, 0.02, 0.02, keep=0.3, items=("prices", 5_400), errors=_SHOP),
    Job("shop-smoke-test", "web", "shop-api", "watch", "Buys a pair of socks, and sends it back.",
        100 * SECOND, 13 * SECOND, 30 * SECOND, 0.04, 0.02, keep=0.03, items=("steps", 11), errors=_SHOP),
)  # fmt: skip
PAUSED = Pause("report-board", "ben", 6 * HOUR, 60 * HOUR, "The board meets again next month")
"""What is not expected just now. The sitemap, which also stopped, is: nobody has told why."""

BY_NAME = {job.name: job for job in JOBS}
