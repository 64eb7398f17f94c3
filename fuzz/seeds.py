#!/usr/bin/env python3
"""Fills corpus/ with what the tests have: each target begins where a person would.

usage: fuzz/seeds.py
"""

import base64
import pathlib
import re

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent
# The first octet says how the rest is cut, or at which listener it is said.
WAYS = (0, 2, 3)


def seed(target, name, octets):
    folder = HERE / 'corpus' / target
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f'seed-{name}').write_bytes(octets)


def unescaped(text):
    """What stands behind `C: ` and `S: ` in tests/dialogues, with its CRLF."""
    text = text.replace('\\r', '\r').replace('\\n', '\n').replace('\\0', '\0')
    return text.encode() + b'\r\n'


for file in sorted((ROOT / 'tests/dialogues').glob('*.txt')):
    lines = file.read_text().splitlines()
    said = b''.join(unescaped(line[3:]) for line in lines if line.startswith('C: '))
    answered = b''.join(unescaped(line[3:]) for line in lines if line.startswith('S: '))
    seed('reply', file.stem, answered)
    seed('data', file.stem, b'\x07' + said)
    for way in WAYS:
        seed('connection', f'{file.stem}-{way}', bytes([way]) + said)
    for number, line in enumerate(said.split(b'\r\n')):
        seed('command', f'{file.stem}-{number}', line)

for file in sorted((ROOT / 'tests/corpus').glob('*.eml')):
    mail = file.read_bytes()
    if len(mail) > 64 * 1024:
        continue
    crlf = b'\r\n'.join(mail.replace(b'\r\n', b'\n').split(b'\n'))
    seed('insert', file.stem, mail)
    seed('seven_bit', file.stem, mail)
    seed('outline', file.stem, b'\x20' + crlf)
    seed('data', file.stem, b'\x20' + re.sub(rb'(?m)^\.', b'..', crlf) + b'\r\n.\r\n')
    envelope = b'EHLO a.example\r\nMAIL FROM:<ann@corp.example> BODY=8BITMIME\r\nRCPT TO:<kim@partner.example>\r\n' \
        b'RCPT TO:<invite@corp.example>\r\nDATA\r\nFrom: ann@corp.example\r\nSubject: Plans\r\n'
    seed('connection', file.stem, b'\0' + envelope + re.sub(rb'(?m)^\.', b'..', crlf) + b'\r\n.\r\nQUIT\r\n')

REPORT = b'Content-Type: multipart/report; report-type=delivery-status; boundary=b\r\n\r\n--b\r\n\r\nHi\r\n--b\r\n' \
    b'Content-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; mx.example\r\n\r\n' \
    b'Original-Recipient: rfc822; kim@partner.example\r\nFinal-Recipient: rfc822; k@x.example\r\nAction: failed\r\n' \
    b'Status: 5.1.10 (bad)\r\nDiagnostic-Code: smtp; 550 5.1.10\r\n no such user\r\n\r\n--b--\r\n'
seed('report', 'rfc3464', REPORT)
seed('report', 'rfc6533', REPORT.replace(b'message/delivery', b'message/global-delivery').replace(b'rfc822;', b'utf-8;'))
seed('report', 'exim', b'X-Failed-Recipients: kim@partner.example,\r\n lee@partner.example\r\n\r\nSorry\r\n')

SIGNATURE = b'\r\n\r\n\0\r\nQUIT\n'
seed('proxy', 'v4', SIGNATURE + b'\x21\x11\0\x0c\xc0\0\2\7\x0a\0\0\1\x1f\x90\0\x19EHLO a\r\n')
seed('proxy', 'v6', SIGNATURE + b'\x21\x21\0\x24' + bytes(36) + b'EHLO a\r\n')
seed('proxy', 'local', SIGNATURE + b'\x20\0\0\0EHLO a\r\n')

for number, name in enumerate(['C:\\plans\\plan.pdf', '../../etc/passwd', 'COM1.txt', 'Größe <1>.dwg', '\u202efdp.exe', '.hidden']):
    seed('filename', str(number), name.encode())

PACKAGE = '01934f6a8c2d7e5f9a0b1c2d3e4f5a6b'
for number, value in enumerate([
    f'dropoff {base64.b64encode(PACKAGE.encode()).decode()},filename cGxhbi5wZGY=',
    f'filename cGxhbi5wZGY=, is_confidential, dropoff {base64.b64encode(PACKAGE.encode()).decode()}',
    '1048576', f'{PACKAGE}-7', 'sha1 Kq5sNclPz7QV2+lfQIuc6R7oRu0=',
]):
    seed('tus', str(number), value.encode())

documented = (ROOT / 'conf/postern.toml').read_text()
sections = re.split(r'(?m)^(?=#?\[)', documented)
for number, section in enumerate(sections):
    seed('config', str(number), re.sub(r'(?m)^#( {5})?(?=[\[a-z])', '', section).encode())

FILES = ['mail/invitation/bottom.txt', 'mail/invitation/top.html', 'mail/accepted/body.txt', 'page/activate.html',
         'page/layout.html', 'words.txt', 'page/style.css']
for number, name in enumerate(FILES):
    # As targets/template.rs takes it apart: the first octet is the file's number.
    seed('template', str(number), bytes([number]) + (ROOT / 'templates' / name).read_bytes())

for folder in sorted((HERE / 'corpus').iterdir()):
    print(f'{folder.name}: {len(list(folder.glob("seed-*")))} seeds')
