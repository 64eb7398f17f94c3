"""Judges pairs NAME.sent, NAME.arrived by what a reader (readers/) sees in both.

usage: agree.py PAIRS COMMAND...      COMMAND: the reader, which gets files and prints a line of JSON for each

The copy has the tree of what was sent, and of its parts those that carry the link hold the text and the blocks, and all
others are octet for octet the same; or what was sent is, unchanged, the second part behind one with the blocks.

Where readers are known to see different things in what was sent, less is asked of them (EXCUSES), and each such message
is named with the reason. That its octets are kept all the same, judge.py sees.
"""

import base64
import json
import pathlib
import re
import subprocess
import sys

from judge import LINK, halves, keeps

FILES_AT_ONCE = 200
BLOCKS = 'multipart/alternative(text/plain text/html)'


def seen_by(command, paths):
    seen = {}
    for at in range(0, len(paths), FILES_AT_ONCE):
        batch = [str(path) for path in paths[at:at + FILES_AT_ONCE]]
        answer = subprocess.run([*command, *batch], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=True)
        for line in answer.stdout.splitlines():
            one = json.loads(line)
            leaves = [(kind, charset, base64.b64decode(octets)) for kind, charset, octets in one['leaves']]
            seen[one['file']] = (one['tree'], leaves)
    return seen


def text_of(leaf):
    _, charset, octets = leaf
    for name in (charset or 'utf-8', 'utf-8'):
        try:
            return octets.decode(name)
        except (LookupError, UnicodeDecodeError):
            pass
    return octets.decode('latin-1')


def has_link(leaf):
    return LINK.search(text_of(leaf)) is not None


def same(old, new):
    # The line break in front of a delimiter is nobody's; some readers count it in.
    return old[0] == new[0] and old[2].rstrip(b'\r\n') == new[2].rstrip(b'\r\n')


def is_header_broken(octets):
    """A line that is no field ends the header: it is lost to some readers, and read on to the empty line by others."""
    _, body = halves(octets)
    return not octets[:len(octets) - len(body)].endswith(b'\r\n\r\n')


def has_type_of_one_word(octets):
    """`Content-Type: text` is a text (RFC 2045 §5.2) to some, and a file to others."""
    return re.search(rb'(?mi)^content-type[ \t]*:[^/\r\n]*\r\n', octets) is not None


def has_empty_part(octets):
    """A part of nothing, above all behind a last delimiter that does not close, is a part to some."""
    return re.search(rb'\n--[^\r\n]+\r\n(?:[!-~][^\r\n]*\r\n(?:[ \t][^\r\n]*\r\n)*)*\s*(?:--|\Z)', octets) is not None


EXCUSES = {
    is_header_broken: lambda old, new: new[0].startswith(f'multipart/mixed({BLOCKS} ') and all(map(has_link, new[1][:2])),
    has_type_of_one_word: lambda old, new: old[0] == new[0] and all(
        same(a, b) or '/' not in b[0] or b[0].startswith(('text/', 'application/octet')) for a, b in zip(old[1], new[1])),
    has_empty_part: lambda old, new: adds_only_blocks(old[1], new[1]),
}


def adds_only_blocks(old, new):
    rest = list(old)
    for leaf in new:
        if rest and rest[0][0] == leaf[0] and (same(rest[0], leaf) or keeps(text_of(rest[0]), text_of(leaf))):
            del rest[0]
        elif leaf[2].strip() and not (leaf[0].startswith('text/') and has_link(leaf)):
            return False
    return not rest


def judged(sent, came):
    (old_tree, old), (new_tree, new) = sent, came
    wrapped = re.fullmatch(rf'multipart/mixed\({re.escape(BLOCKS)} (.*)\)', new_tree)
    if old_tree == new_tree:
        edited = [(a, b) for a, b in zip(old, new) if not same(a, b)]
        if not edited:
            yield 'nothing was edited'
        for a, b in edited:
            if not b[0].startswith('text/'):
                yield f'a part of type {b[0]} was edited'
            elif not has_link(b):
                yield 'an edited part without the link'
            elif not keeps(text_of(a), text_of(b)):
                yield 'the text has changed'
    elif wrapped and wrapped[1] == old_tree:
        if not all(has_link(leaf) for leaf in new[:2]):
            yield 'a block without the link'
        if not all(same(a, b) for a, b in zip(old, new[2:])):
            yield 'the content is not what was sent'
    else:
        yield f'{old_tree} became {new_tree}'


pairs, *command = sys.argv[1:]
paths = sorted(pathlib.Path(pairs).glob('*.sent'))
sent = seen_by(command, paths)
came = seen_by(command, [path.with_suffix('.arrived') for path in paths])
judged_pairs, unread, excused, faults = 0, 0, 0, []
for path in paths:
    before, after = sent[str(path)], came[str(path.with_suffix('.arrived'))]
    if not before[0]:
        unread += 1  # What it cannot read at all it cannot judge.
        continue
    judged_pairs += 1
    found = list(judged(before, after))
    octets = path.read_bytes()
    why = next((excuse for excuse, holds in EXCUSES.items() if found and excuse(octets) and holds(before, after)), None)
    if why:
        print(f'{path.stem}: {why.__name__}')
        excused += 1
    else:
        faults += [f'{path.stem}: {fault}' for fault in found]
print('\n'.join(faults))
print(f'{pathlib.Path(command[-1]).stem}: {judged_pairs} judged, {excused} of them with an excuse, '
      f'{unread} that it cannot read, {len(faults)} faults')
sys.exit(1 if faults or not judged_pairs else 0)
