"""What lies outside the gateway, on loopback: a name server with a fixed zone, and a next hop that takes everything.

Each mail goes into a file DIRECTORY/RECIPIENT/NUMBER.eml. Both ports stand in DIRECTORY/ports when both answer.
usage: outside.py DIRECTORY
"""

import asyncio
import itertools
import os
import struct
import sys

A, MX, TXT, AAAA = 1, 15, 16, 28
NO_ERROR, SERVER_FAILURE, NO_SUCH_NAME = 0, 2, 3


def named(name):
    """A name as RFC 1035 §3.1 writes it."""
    labels = [label.encode() for label in name.split('.') if label]
    return b''.join(bytes([len(label)]) + label for label in labels) + b'\0'


def exchange(preference, host):
    return struct.pack('>H', preference) + named(host)


def zone(name, kind):
    """The code and the records of an answer; None for a name that nobody answers for."""
    domain = '.'.join(name.split('.')[-2:])
    if domain == 'silent.example':
        return None
    if domain == 'broken.example':
        return SERVER_FAILURE, []
    if domain == 'mute.example':
        return NO_ERROR, [exchange(0, '')] if kind == MX else []
    if domain in ('partner.example', 'supplier.example', 'rival.example', 'gmail.com'):
        return NO_ERROR, [exchange(10, 'mx.' + domain)] if kind == MX else []
    return NO_SUCH_NAME, []


class NameServer(asyncio.DatagramProtocol):
    def connection_made(self, transport):
        self.transport = transport

    def datagram_received(self, question, client):
        end, labels = 12, []
        while question[end]:
            labels.append(question[end + 1:end + 1 + question[end]].decode().lower())
            end += 1 + question[end]
        asked = question[12:end + 5]
        kind = struct.unpack('>H', question[end + 1:end + 3])[0]
        answer = zone('.'.join(labels), kind)
        if answer is None:
            return
        code, records = answer
        # A response, recursion available (RFC 1035 §4.1.1).
        reply = question[:2] + struct.pack('>HHHHH', 0x8180 | code, 1, len(records), 0, 0) + asked
        for data in records:
            # The name is that of the question (RFC 1035 §4.1.4).
            reply += struct.pack('>HHHIH', 0xC00C, kind, 1, 60, len(data)) + data
        self.transport.sendto(reply, client)


def hop(directory):
    numbers = itertools.count()

    async def session(reader, writer):
        def say(line):
            writer.write(line.encode() + b'\r\n')

        say('220 hop.example ESMTP')
        recipients = []
        while line := await reader.readline():
            verb = line.strip().upper()
            if verb.startswith(b'EHLO'):
                for word in ('hop.example', '8BITMIME', 'SMTPUTF8', 'DSN'):
                    say('250-' + word)
                say('250 PIPELINING')
            elif verb.startswith(b'RCPT'):
                recipients.append(line[line.index(b'<') + 1:line.index(b'>')].decode())
                say('250 2.1.5 Fine')
            elif verb == b'DATA':
                say('354 Go on')
                body = await reader.readuntil(b'\r\n.\r\n')
                for recipient in recipients:
                    box = os.path.join(directory, recipient)
                    os.makedirs(box, exist_ok=True)
                    name = os.path.join(box, f'{next(numbers):06}')
                    with open(name, 'wb') as file:
                        file.write(body[:-3].replace(b'\r\n..', b'\r\n.'))
                    os.rename(name, name + '.eml')
                recipients = []
                say('250 2.0.0 Taken')
            elif verb == b'QUIT':
                say('221 2.0.0 Good-bye')
                break
            else:
                recipients = [] if verb.startswith((b'MAIL', b'RSET')) else recipients
                say('250 2.0.0 Fine')
        writer.close()

    return session


async def main(directory):
    loop = asyncio.get_running_loop()
    names, _ = await loop.create_datagram_endpoint(NameServer, local_addr=('127.0.0.1', 0))
    mail = await asyncio.start_server(hop(directory), '127.0.0.1', 0, limit=1 << 26)
    ports = os.path.join(directory, 'ports')
    with open(ports + '.new', 'w') as file:
        print(names.get_extra_info('sockname')[1], mail.sockets[0].getsockname()[1], file=file)
    os.rename(ports + '.new', ports)
    await asyncio.Event().wait()


asyncio.run(main(sys.argv[1]))
