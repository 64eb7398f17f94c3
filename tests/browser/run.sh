#!/usr/bin/env bash
# Pictures, by a real browser, of a running demo: an invitation as the invitee reads it, the page behind its link, and
# the same on a telephone.
# usage: tests/browser/run.sh DIRECTORY      $POSTERN: the program, if it is built already.
. "$(dirname "$0")/../outside.sh"
OUT=$(realpath -m "${1:?where to put the pictures}")
need chromium swaks libnet-ssleay-perl curl jq
mkdir -p "$OUT"

# picture NAME WIDTHxHEIGHT URL
picture() {
  local file=$OUT/$1.png
  rm -f "$file"
  # The demo's certificate is of its own making; a fresh profile does not know it.
  timeout 60 chromium --headless=new --run-all-compositor-stages-before-draw --virtual-time-budget=5000 --no-sandbox --disable-gpu --disable-dev-shm-usage --disable-quic --no-first-run \
    --disable-background-networking --disable-component-update --disable-sync --hide-scrollbars \
    --ignore-certificate-errors --user-data-dir="$WORK/profile" --window-size="${2/x/,}" \
    --force-device-scale-factor="${SCALE:-1}" --screenshot="$file" "$3" >"$WORK/chromium.log" 2>&1 ||
    die "no picture of $3"
  [ -s "$file" ] || die "no picture of $3"
  shown "$file"
}

start_demo
cat >"$WORK/mail.eml" <<EML
From: Alex Doe <$(fact user)>
To: Kim Kerr <kim@partner.example>
Cc: $(fact invite)
Subject: Plans of the east wing
MIME-Version: 1.0
Content-Type: text/html; charset=utf-8

<html><body style="font-family: Georgia, serif">
<p>Dear Kim,</p>
<p>the scaffolding goes up on Monday, and we still need from you:</p>
<ul><li>the <b>ground plan</b> of the east wing,</li><li>the photographs of the roof,</li>
<li>and the estimate, as a spreadsheet.</li></ul>
<p>They are large, I know &ndash; please do not send them by mail.</p>
<p>Kind regards<br>Alex Doe<br><span style="color: #777">Corp Example, Buildings</span></p>
</body></html>
EML
swaks --silent 2 --server "$(fact submission)" --tls --auth-user "$(fact user)" --auth-password "$(fact password)" \
  --from "$(fact user)" --to "kim@partner.example,$(fact invite)" --data "@$WORK/mail.eml" >"$WORK/swaks.log" 2>&1 ||
  die 'swaks was refused'

mail_to kim@partner.example >"$WORK/arrived.eml"
link=$(tr -d '\r' <"$WORK/arrived.eml" | grep -o 'https://[a-z0-9.:/-]*/i/[A-Za-z0-9]*' | head -n 1)
picture invitation 900x1060 "$(fact mailbox)/$(mails_to kim@partner.example | head -n 1)"
picture activation 900x900 "$link"
picture activation-phone 390x844 "$link"
