"""An SMTP server (aiosmtpd) for the tests that misbehaves as it is told.

usage: smtp_server.py PORT_FILE MODE_FILE LOG_FILE
The mode is read anew for each command: fine, down (421 and close), greylist (451 at the first RCPT of an address), slow (five
seconds before each answer to RCPT for a domain that starts with "slow"), reject (550), drop (take the mail, then close
without an answer). A line of JSON a mail that was taken: its Message-ID, receivers, whether it held a bare CR or LF.
"""
import asyncio
import json
import os
import re
import sys

from aiosmtpd.smtp import SMTP

PORT_FILE, MODE_FILE, LOG_FILE = sys.argv[1:4]
seen = set()
dropped = set()


def mode():
    with open(MODE_FILE, encoding="utf-8") as file:
        return file.read().strip()


class Handler:
    async def handle_EHLO(self, server, session, envelope, hostname, responses):
        if mode() == "down":
            server.transport.close()
            return ["421 down"]
        session.host_name = hostname
        return responses

    async def handle_RCPT(self, server, session, envelope, address, rcpt_options):
        now = mode()
        if now == "greylist" and address not in seen:
            seen.add(address)
            return "451 4.7.1 try again"
        if now == "reject" or address.startswith("nobody"):
            return "550 5.1.1 no such user"
        if now == "slow" and "@slow" in address:
            await asyncio.sleep(5)
        envelope.rcpt_tos.append(address)
        return "250 ok"

    async def handle_DATA(self, server, session, envelope):
        content = envelope.original_content
        bare = bool(re.search(rb"(?<!\r)\n|\r(?!\n)", content))
        found = re.search(rb"^Message-ID: *<([^>]*)>", content, re.I | re.M)
        identity = found.group(1).decode() if found else ""
        drop = mode() == "drop" and identity not in dropped
        line = {"id": identity, "to": envelope.rcpt_tos, "bare": bare, "dropped": drop}
        with open(LOG_FILE, "a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")
        if drop:
            dropped.add(identity)
            server.transport.close()
        return "250 taken"


async def main():
    loop = asyncio.get_running_loop()
    server = await loop.create_server(
        lambda: SMTP(Handler(), hostname="test", enable_SMTPUTF8=True), "127.0.0.1", 0
    )
    with open(PORT_FILE + ".part", "w", encoding="utf-8") as file:
        file.write(str(server.sockets[0].getsockname()[1]))
    os.rename(PORT_FILE + ".part", PORT_FILE)
    await loop.run_in_executor(None, sys.stdin.read)


asyncio.run(main())
