# What the broker brings: commands of people, and Home Assistant's birth. Loaded when one has come. Imports nothing of
# ours. Promises: whatever a command says, it is carried out or answered on the event topic.

import asyncio
import os

from micropython import const

_BIRTH_MS = const(5000)  # Home Assistant's start: readers answer at random within this, not all at once


def heard(client, topic, payload, retained):
    """A message, as codec.Reader.message() gives it."""
    feed = client.feed()
    topics = feed.subscriptions()
    for at in range(len(topics)):
        if topics[at].encode() == topic:
            break
    else:
        return  # nothing we asked for, or too long to tell
    if at > 1:
        if payload == b"online" and not retained:  # a retained birth is old: we announced on connecting
            feed.announce(1 + int.from_bytes(os.urandom(3), "big") % _BIRTH_MS)
        return
    command = ("read", "align")[at]
    if retained:
        feed.answer("refused", command, "a retained command would be carried out again and again")
    elif payload not in (b"", b"PRESS"):
        feed.answer("refused", command, "an empty payload or PRESS is accepted")
    elif at:
        why = client.app.reader.start_align()
        feed.answer("refused" if why else "started", command, why or "the head is being aligned")
    elif not client.asking:  # one that is under way answers both
        client.asking = asyncio.create_task(_read_now(client))


async def _read_now(client):
    try:
        how, text, wait_s = await client.app.reader.read_now()
    except Exception as e:
        how, text, wait_s = "failed", str(e) or repr(e), 0
    client.asking = None
    if how != "ok":  # else the reading itself is the answer
        client.feed().answer("failed" if how == "failed" else "refused", "read", text, retry_s=wait_s)
