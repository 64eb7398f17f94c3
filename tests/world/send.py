"""Sends every message of a folder as an invitation, and keeps what the next hop gets.

usage: send.py FACTS HOP-PORT BASKET PAIRS REFUSED

A message is made what a client would send for the person who is signed in, and no more than that:
- mailbox files are taken apart, and the `From ` line that parts them goes;
- line ends become CRLF, and a line break stands at the end;
- the From fields become one, of the person who is signed in, where the first one stood.
A message that is refused for what its header says of it (written by a machine, on its way through too many servers, no
subject) is refused rightly, but then its body has shown nothing: it is sent once more with these fields renamed.

PAIRS gets NAME.sent and NAME.arrived; REFUSED a line `NAME: reply` for each.
"""

import asyncio
import json
import pathlib
import re
import smtplib
import ssl
import sys
import threading

facts, hop_port, basket, pairs, refused_file = sys.argv[1:]
facts = json.loads(pathlib.Path(facts).read_text())
basket, pairs = pathlib.Path(basket), pathlib.Path(pairs)
arrived, something_arrived = {}, threading.Condition()


async def hop(reader, writer):
    """The next hop: takes everything, and keeps it under its recipient."""
    recipient = None

    async def say(words):
        writer.write(words.encode() + b'\r\n')
        await writer.drain()

    await say('220 hop.example')
    while line := await reader.readline():
        verb = line[:4].upper().strip()
        if verb == b'EHLO':
            await say('250-hop.example\r\n250-8BITMIME\r\n250-SMTPUTF8\r\n250 PIPELINING')
        elif verb == b'RCPT':
            recipient = re.search(rb'<(.*?)>', line)[1].decode()
            await say('250 ok')
        elif verb == b'DATA':
            await say('354 go on')
            octets = bytearray()
            while (line := await reader.readline()) != b'.\r\n':
                octets += line[1:] if line.startswith(b'.') else line
            with something_arrived:
                arrived[recipient] = bytes(octets)
                something_arrived.notify_all()
            await say('250 taken')
        elif verb == b'QUIT':
            await say('221 bye')
            break
        else:
            await say('250 ok')
    writer.close()


def serve_hop():
    async def serve():
        server = await asyncio.start_server(hop, '127.0.0.1', int(hop_port), limit=1 << 20)
        async with server:
            ready.set()
            await server.serve_forever()
    asyncio.run(serve())


# What parts the messages of a mailbox (RFC 4155): an empty line, and one with an address and a time.
PARTING = re.compile(rb'(?:\A|(?<=\n\n)|(?<=\n\r\n))From [^\r\n]*\d\d:\d\d[^\r\n]*\r?\n')


def messages(path):
    """The messages in a file: one, or those of a mailbox."""
    octets = path.read_bytes()
    found = [re.sub(rb'\AFrom [^\r\n]*\r?\n', b'', part) for part in PARTING.split(octets) if part.strip()]
    name = re.sub(r'[^A-Za-z0-9._-]', '_', path.name)
    return [(name if len(found) == 1 else f'{name}-{index}', message) for index, message in enumerate(found)]


def header_of(message):
    end = message.find(b'\r\n\r\n')
    return (message, b'') if end < 0 else (message[:end + 2], message[end + 2:])


def prepared(message):
    message = re.sub(rb'\r\n|\r|\n', b'\r\n', message)
    if not message.endswith(b'\r\n'):
        message += b'\r\n'
    header, body = header_of(message)
    mine = f'From: <{facts["user"]}>\r\n'.encode()
    field = re.compile(rb'(?mi)^From[ \t]*:[^\r\n]*\r\n(?:[ \t][^\r\n]*\r\n)*')
    placed = iter([mine])
    changed = field.sub(lambda _: next(placed, b''), header)
    return (changed if changed != header or mine in header else mine + header) + body


def renamed(message):
    header, body = header_of(message)
    names = rb'(?mi)^(Auto-Submitted|Precedence|List-Id|X-Auto-Response-Suppress|Received)(?=[ \t]*:)'
    header = re.sub(names, rb'X-Was-\1', header)
    header = re.sub(rb'(?mi)^Subject[ \t]*:', b'X-Was-Subject:', header)
    return b'Subject: Sent once more\r\n' + header + body


class Gateway:
    """A connection, made anew when the gateway has ended it."""

    def __init__(self):
        self.smtp = None

    def send(self, recipient, message):
        """(code, words) of the answer that decided."""
        if self.smtp is None:
            host, port = facts['submission'].rsplit(':', 1)
            self.smtp = smtplib.SMTP(host, int(port), timeout=120)
            context = ssl.create_default_context(cafile=facts['ca'])
            context.check_hostname = False
            self.smtp.starttls(context=context)
            self.smtp.login(facts['user'], facts['password'])
        smtp = self.smtp
        try:
            smtp.ehlo_or_helo_if_needed()
            for step in (lambda: smtp.mail(facts['user'], ['BODY=8BITMIME', 'SMTPUTF8']),
                         lambda: smtp.rcpt(recipient), lambda: smtp.rcpt(facts['invite'])):
                code, words = step()
                if code != 250:
                    smtp.rset()
                    return code, words.decode()
            smtp.putcmd('data')
            code, words = smtp.getreply()
            if code == 354:
                # smtplib's own data() repairs line ends, and so do we before; here nothing may be repaired.
                smtp.send(re.sub(rb'(?m)^\.', b'..', message) + b'.\r\n')
                code, words = smtp.getreply()
            return code, words.decode()
        except smtplib.SMTPServerDisconnected:
            self.smtp = None
            return 0, 'the gateway hung up'


ready = threading.Event()
threading.Thread(target=serve_hop, daemon=True).start()
ready.wait()
gateway, refused, delivered, number = Gateway(), {}, 0, 0
for path in sorted(basket.iterdir()):
    for name, original in messages(path):
        first = prepared(original)
        for again, message in ((False, first), (True, renamed(first))):
            number += 1
            recipient = f'm{number}@partner.example'
            code, words = gateway.send(recipient, message)
            if code == 250:
                with something_arrived:
                    assert something_arrived.wait_for(lambda: recipient in arrived, timeout=60), f'{name} never arrived'
                (pairs / f'{name}.sent').write_bytes(message)
                (pairs / f'{name}.arrived').write_bytes(arrived[recipient])
                delivered += 1
                break
            refused.setdefault(name + (' (renamed)' if again else ''), f'{code} {words}'.replace('\n', ' '))
            if not re.search('automatic|loop|subject', words):
                break

pathlib.Path(refused_file).write_text(''.join(f'{name}: {reply}\n' for name, reply in refused.items()))
for name, reply in refused.items():
    print(f'refused: {name}: {reply}')
print(f'{delivered} became invitations; {len(refused)} refusals, all above')
faults = [name for name, reply in refused.items() if not re.match(r'(5\d\d|452) ', reply)]
sys.exit(f'not refused in words: {faults}' if faults else 0)
