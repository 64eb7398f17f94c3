"""Judges pairs NAME.sent, NAME.arrived with Python's email package: what must hold of an invitee's copy.

usage: judge.py PAIRS
"""

import email
import email.policy
import html
import pathlib
import re
import sys

LINK = re.compile(r'https://[A-Za-z0-9.:-]+/i/[a-z0-9]{26}')
# What may come, go or be written anew.
CHANGED = {'to', 'cc', 'bcc', 'resent-bcc', 'mime-version', 'content-type', 'content-transfer-encoding'}


def halves(message):
    """The fields, each with its folds, and the body. A line that is no field ends a header, too."""
    fields, at = [], 0
    while at < len(message):
        end = message.find(b'\n', at) + 1 or len(message)
        line = message[at:end]
        if line in (b'\r\n', b'\n'):
            return fields, message[end:]
        if line[:1] in b' \t' and fields:
            fields[-1] += line
        elif re.match(rb'[!-9;-~]+[ \t]*:', line):
            fields.append(line)
        else:
            return fields, message[at:]
        at = end
    return fields, b''


def name_of(field):
    return field.split(b':')[0].strip().decode().lower()


def tree(part):
    kind = part.get_content_type()
    if isinstance(part.get_payload(), list):
        return f'{kind}({" ".join(map(tree, part.get_payload()))})'
    return kind


def leaves(part):
    payload = part.get_payload()
    return [leaf for child in payload for leaf in leaves(child)] if isinstance(payload, list) else [part]


def seen(part):
    """The leaves of an alternative that are shown as the text: of related parts, the root (RFC 2387 §3.2)."""
    payload = part.get_payload()
    if not isinstance(payload, list):
        return [part]
    if part.get_content_type() == 'multipart/related':
        named = [child for child in payload if child['Content-ID'] and child['Content-ID'] == part.get_param('start')]
        payload = (named or payload)[:1]
    return [leaf for child in payload for leaf in seen(child)]


def text_of(part):
    octets = part.get_payload(decode=True)
    # Where nothing is said people write UTF-8 or Latin-1; a charset nobody knows changes nothing either.
    for charset in (part.get_content_charset() or 'utf-8', 'utf-8', 'latin-1'):
        try:
            return octets.decode(charset)
        except (LookupError, UnicodeDecodeError):
            pass
    return octets.decode('latin-1')


def squeezed(text):
    return re.sub(r'[\s\ufeff]+', '', text)


def keeps(old, new):
    """Whether the old text is in the new one, with something put in at two places at most."""
    old, new = squeezed(old), squeezed(new)
    front = next((at for at, (a, b) in enumerate(zip(old, new)) if a != b), min(len(old), len(new)))
    old, new = old[front:], new[front:]
    back = next((at for at, (a, b) in enumerate(zip(old[::-1], new[::-1])) if a != b), min(len(old), len(new)))
    return old[:len(old) - back] in new


def judged(sent, came):
    """Yields what is wrong; returns the form."""
    for line in came.split(b'\n')[:-1]:
        if not line.endswith(b'\r') or len(line) > 999 or b'\r' in line[:-1]:
            yield f'a line of {len(line)} octets, or without CRLF: {line[:80]}'
    if sent.isascii() and not came.isascii():
        yield 'eight bits where there were none'
    (old_fields, old_body), (new_fields, _) = halves(sent), halves(came)
    rest = iter(new_fields)
    for field in old_fields:
        if not (name_of(field) in CHANGED or name_of(field).startswith('content-')) and field not in rest:
            yield f'a field is gone, changed or moved: {field}'
    if any(name_of(field) in ('bcc', 'resent-bcc') for field in new_fields):
        yield 'a hidden recipient'

    before = email.message_from_bytes(sent, policy=email.policy.compat32)
    after = email.message_from_bytes(came, policy=email.policy.compat32)
    inserted = tree(before) == tree(after) and any(LINK.search(text_of(leaf)) for leaf in leaves(after)
                                                   if leaf.get_content_maintype() == 'text')
    if inserted:
        edited = 0
        for old, new in zip(leaves(before), leaves(after)):
            if old.get_payload() == new.get_payload():
                continue
            edited += 1
            if new.get_content_type() not in ('text/plain', 'text/html'):
                yield f'a part of type {new.get_content_type()} was edited'
            if not LINK.search(text_of(new)):
                yield 'an edited part without the link'
            if not keeps(text_of(old), text_of(new)):
                yield 'the text has changed'
        if not edited:
            yield 'nothing was edited'
        links = {link for leaf in leaves(after) if leaf.get_content_maintype() == 'text'
                 for link in LINK.findall(text_of(leaf))}
    else:
        if after.get_content_type() != 'multipart/mixed' or len(after.get_payload()) != 2:
            yield f'neither inserted nor wrapped: {tree(before)} became {tree(after)}'
            return
        blocks, content = after.get_payload()
        if tree(blocks) != 'multipart/alternative(text/plain text/html)':
            yield f'the blocks are {tree(blocks)}'
        for leaf in leaves(blocks):
            if not LINK.search(text_of(leaf)):
                yield 'a block without the link'
        if old_body not in came:
            yield 'the body is not the sender\'s'
        for field in old_fields:
            if name_of(field).startswith('content-') and field not in came:
                yield f'lost: {field}'
        if tree(content) != tree(before) and before.get_content_type() != 'text/plain':
            yield f'{tree(before)} became {tree(content)}'
        links = {link for leaf in leaves(blocks) for link in LINK.findall(text_of(leaf))}
    if len(links) != 1:
        yield f'links: {links}'

    # What a client shows: the first text, and every alternative of it.
    shown = email.message_from_bytes(came, policy=email.policy.default)
    parents = {id(child): part for part in shown.walk() if isinstance(part.get_payload(), list)
               for child in part.get_payload()}
    first = next((leaf for leaf in leaves(shown) if leaf.get_content_maintype() == 'text'
                  and leaf.get_content_disposition() != 'attachment'), None)
    while first is not None and parents.get(id(first)) is not None:
        if parents[id(first)].get_content_type() == 'multipart/alternative':
            first = parents[id(first)]
            break
        is_root = parents[id(first)].get_content_type() == 'multipart/related' and first in seen(parents[id(first)])
        first = parents[id(first)] if is_root else None
    for leaf in seen(first) if first is not None else []:
        if leaf.get_content_type() in ('text/plain', 'text/html') and not LINK.search(html.unescape(text_of(leaf))):
            yield f'a reader of the {leaf.get_content_type()} part sees no link'


def main(pairs):
    inserted = wrapped = 0
    faults = []
    for path in sorted(pairs.glob('*.sent')):
        sent, came = path.read_bytes(), path.with_suffix('.arrived').read_bytes()
        found = list(judged(sent, came))
        faults += [f'{path.stem}: {fault}' for fault in found]
        after = email.message_from_bytes(came, policy=email.policy.compat32)
        if tree(email.message_from_bytes(sent, policy=email.policy.compat32)) == tree(after):
            inserted += 1
        else:
            wrapped += 1
    print('\n'.join(faults))
    print(f'{inserted} with the blocks inside, {wrapped} wrapped, {len(faults)} faults')
    return 1 if faults or not inserted else 0


if __name__ == '__main__':
    sys.exit(main(pathlib.Path(sys.argv[1])))
