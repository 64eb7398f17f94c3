"""What GMime sees in messages, a line of JSON for each: its tree, and its leaves with their decoded octets.

usage: gmime.py FILE...      with the Python of the system, which has its bindings
"""

import base64
import json
import sys

import gi

gi.require_version('GMime', '3.0')
from gi.repository import GMime  # noqa: E402

GMime.init()


def octets_of(part):
    content = part.get_content()
    if content is None:
        return b''
    stream = GMime.StreamMem.new()
    content.write_to_stream(stream)
    return bytes(stream.get_byte_array())


def walk(part, leaves):
    kind = part.get_content_type()
    name = kind.get_mime_type().lower()
    if isinstance(part, GMime.Multipart):
        children = [part.get_part(index) for index in range(part.get_count())]
    elif isinstance(part, GMime.MessagePart):
        message = part.get_message()
        children = [message.get_mime_part()] if message and message.get_mime_part() else []
    else:
        octets = octets_of(part) if isinstance(part, GMime.Part) else b''
        leaves.append([name, kind.get_parameter('charset'), base64.b64encode(octets).decode()])
        return name
    return f'{name}({" ".join(walk(child, leaves) for child in children)})'


for path in sys.argv[1:]:
    with open(path, 'rb') as file:
        message = GMime.Parser.new_with_stream(GMime.StreamMem.new_with_buffer(file.read())).construct_message(None)
    leaves = []
    tree = walk(message.get_mime_part(), leaves) if message and message.get_mime_part() else ''
    print(json.dumps({'file': path, 'tree': tree, 'leaves': leaves}))
