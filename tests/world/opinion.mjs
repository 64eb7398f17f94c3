// A second opinion on pairs NAME.sent, NAME.arrived: two parsers of another world, which had no part in the edits, must
// see in the copy all that they saw in what was sent, and the link besides.
// usage: opinion.mjs PAIRS      in a folder whose node_modules has mailparser and postal-mime

import {createHash} from 'node:crypto';
import {readFileSync, readdirSync} from 'node:fs';
import {createRequire} from 'node:module';
import {join} from 'node:path';

const require = createRequire(join(process.cwd(), 'here.js'));
const {simpleParser} = require('mailparser');
const {default: PostalMime} = await import(require.resolve('postal-mime'));

const LINK = /\/i\/[a-z0-9]{26}/;
const hash = (octets) => createHash('sha256').update(Buffer.from(octets)).digest('hex');
const squeezed = (text) => text.replace(/[\s\ufeff]+/g, '');

const parsers = {
  async mailparser(octets) {
    const mail = await simpleParser(octets, {skipHtmlToText: true, skipTextToHtml: true, skipImageLinks: true, keepCidLinks: true});
    return {
      subject: mail.subject, from: mail.from?.text, date: mail.date && String(mail.date), bcc: mail.bcc?.text,
      texts: [mail.text || '', mail.html || ''], files: mail.attachments.map((file) => hash(file.content)),
    };
  },
  async 'postal-mime'(octets) {
    const mail = await PostalMime.parse(octets, {rfc822Attachments: true});
    return {
      subject: mail.subject, from: JSON.stringify(mail.from), date: mail.date, bcc: mail.bcc?.length && JSON.stringify(mail.bcc),
      texts: [mail.text || '', mail.html || ''], files: mail.attachments.map((file) => hash(file.content)),
    };
  },
};

// Whether the old text is in the new one, with something put in at two places at most.
function keeps(before, after) {
  let [old, now] = [squeezed(before), squeezed(after)];
  let front = 0;
  while (front < old.length && old[front] === now[front]) front += 1;
  [old, now] = [old.slice(front), now.slice(front)];
  let back = 0;
  while (back < old.length && old.at(-1 - back) === now.at(-1 - back)) back += 1;
  return now.includes(old.slice(0, old.length - back));
}

function* judged(sent, came) {
  for (const name of ['subject', 'from', 'date']) {
    // What was not there may have been added: every mail needs a date (RFC 5322 §3.6.1).
    if (sent[name] && sent[name] !== came[name]) yield `${name}: ${sent[name]} became ${came[name]}`;
  }
  if (came.bcc) yield `a hidden recipient: ${came.bcc}`;
  // What they take for a file is not shown; others show `Content-Type: text` as text, and so it was edited.
  if (!sent.texts.some((text) => text.trim())) return;
  if (!came.texts.some((text) => LINK.test(text))) yield 'no link to be seen';
  for (const file of sent.files) {
    if (!came.files.includes(file)) yield 'an attachment is gone or changed';
  }
  for (const [form, what] of ['text', 'HTML'].entries()) {
    // Of several texts, each with its blocks, they make one.
    const texts = came.texts[form].split(new RegExp(LINK, 'g')).length - 1;
    if (texts > 1 && form === 0) continue;
    if (!keeps(sent.texts[form], came.texts[form])) yield `the ${what} has changed`;
  }
}

const [pairs] = process.argv.slice(2);
let faults = 0;
for (const [name, parse] of Object.entries(parsers)) {
  let agreed = 0;
  for (const file of readdirSync(pairs).filter((file) => file.endsWith('.sent')).sort()) {
    const read = (ending) => parse(readFileSync(join(pairs, file.replace(/sent$/, ending))));
    let sent;
    try {
      sent = await read('sent');
    } catch {
      continue; // What it cannot read at all it cannot judge.
    }
    const found = [...judged(sent, await read('arrived'))];
    found.forEach((fault) => console.log(`${name}: ${file}: ${fault}`));
    faults += found.length;
    agreed += found.length === 0;
  }
  console.log(`${name} finds nothing wrong with ${agreed} copies`);
}
process.exitCode = faults ? 1 : 0;
