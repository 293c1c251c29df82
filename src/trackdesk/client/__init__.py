"""The contract as async Python calls; the way the console and the other verbs reach a server."""

from trackdesk.client.client import Client
from trackdesk.client.errors import ServerAway
from trackdesk.client.live import LiveState, LiveStatus

__all__ = ["Client", "LiveState", "LiveStatus", "ServerAway"]
