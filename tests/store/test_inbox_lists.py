"""The inbox: who sees what, and what each reader has read."""

import pytest

from tests.store.house import DEFAULT, NOW, House
from trackdesk.domain.errors import NotFound
from trackdesk.domain.filters import NotificationFilter
from trackdesk.domain.identity import Caller, Role
from trackdesk.store import inbox
from trackdesk.store.readers import Readers


def caller(*departments: str, key_id: int | None = 7, declared: str | None = None) -> Caller:
    return Caller(DEFAULT, "default", Role.REPORTER, key_id, "desk", departments, declared)


async def ids(readers: Readers, who: Caller, **given) -> list[int]:
    return [each.id for each in (await inbox.page(readers, who, NotificationFilter(**given))).data]


@pytest.fixture
def post(house: House) -> House:
    """1 to 4 in the inbox; 5 only for channels; 6 is another namespace's."""
    house.notification(department="ops", incident_id=9)
    house.notification("disk full", department="dev", severity="LOW", incident_id=9)
    house.notification(department="ops", kind="closed")
    house.notification(department="ops", kind="warning", severity=None, body="it takes long")
    house.notification(department="ops", in_inbox=0, kind="started")
    house.notification(namespace_id=house.namespace("other"))
    return house


@pytest.mark.parametrize(
    ("departments", "given", "expected"),
    [
        ((), {}, [4, 3, 2, 1]),
        (("ops",), {}, [4, 3, 1]),
        (("ops", "dev"), {}, [4, 3, 2, 1]),
        (("nobody",), {}, []),
        ((), {"department": ["dev"]}, [2]),
        (("ops",), {"department": ["dev"]}, []),
        (("ops",), {"q": "department:dev"}, []),
        (("ops",), {"q": "department:d*"}, []),
        ((), {"kind": ["opened"]}, [2, 1]),
        ((), {"incident": 9}, [2, 1]),
        (("dev",), {"incident": 9}, [2]),
        ((), {"q": "incident:INC-9 severity:high"}, [1]),
        ((), {"q": "severity:<high"}, [2]),
        ((), {"q": "-kind:opened"}, [4, 3]),
        ((), {"search": "disk"}, [2]),
        ((), {"q": "long"}, [4]),
        ((), {"q": "-disk"}, [4, 3, 1]),
        ((), {"unread": False}, []),
    ],
)
async def test_a_caller_sees_its_departments(post: House, readers: Readers, departments, given, expected) -> None:
    assert await ids(readers, caller(*departments), **given) == expected


async def test_read_marks_are_the_readers_own(post: House, readers: Readers) -> None:
    alice, bob = caller(declared="alice"), caller(declared="bob")
    post.insert("notification_reads", reader=alice.reader, notification_id=3, read_at=NOW)
    assert await ids(readers, alice, unread=True) == [4, 2, 1]
    assert await ids(readers, alice, q="unread:no") == [3]
    assert await inbox.unread_count(readers, alice) == 3
    assert await inbox.unread_count(readers, bob) == 4
    assert (await inbox.get(readers, alice, 3)).read_at == NOW
    assert (await inbox.get(readers, bob, 3)).read_at is None


async def test_everything_up_to_the_mark_is_read_but_what_was_marked_unread_again(
    post: House, readers: Readers
) -> None:
    who = caller()
    post.insert("inbox_marks", reader=who.reader, namespace_id=DEFAULT, up_to=3, read_at=NOW)
    post.insert("notification_unreads", reader=who.reader, notification_id=2)
    assert await ids(readers, who, unread=True) == [4, 2]
    assert await ids(readers, who, unread=True, limit=1) == [4]
    assert await ids(readers, who, unread=False) == [3, 1]
    assert await ids(readers, caller("dev"), unread=True) == [2]
    assert await inbox.unread_count(readers, who) == 2
    page = await inbox.page(readers, who, NotificationFilter())
    assert [each.read_at for each in page.data] == [None, NOW, None, NOW]


async def test_pages_lead_through_what_is_unread(post: House, readers: Readers) -> None:
    who = caller()
    post.insert("inbox_marks", reader=who.reader, namespace_id=DEFAULT, up_to=3, read_at=NOW)
    post.insert("notification_unreads", reader=who.reader, notification_id=1)
    first = await inbox.page(readers, who, NotificationFilter(unread=True, limit=1))
    second = await inbox.page(readers, who, NotificationFilter(unread=True, limit=1, cursor=first.meta.next))
    assert ([each.id for each in first.data], [each.id for each in second.data]) == ([4], [1])
    assert second.meta.next is None


async def test_a_page_has_deliveries_and_one_notification_their_attempts(post: House, readers: Readers) -> None:
    delivery = post.delivery(1, post.channel("mail"), "RETRYING", next_due_at=NOW)
    post.attempt(delivery, "failed", error="refused")
    (listed,) = (await inbox.page(readers, caller(), NotificationFilter(kind=["opened"], q="severity:high"))).data
    assert [(each.channel_name, each.status, each.attempts) for each in listed.deliveries] == [("mail", "RETRYING", [])]
    one = await inbox.get(readers, caller(), 1)
    assert [attempt.error for attempt in one.deliveries[0].attempts] == ["refused"]


@pytest.mark.parametrize(("departments", "number"), [(("ops",), 2), ((), 5), ((), 6), ((), 99)])
async def test_what_is_not_in_the_callers_inbox_is_not_found(
    post: House, readers: Readers, departments: tuple[str, ...], number: int
) -> None:
    with pytest.raises(NotFound):
        await inbox.get(readers, caller(*departments), number)
