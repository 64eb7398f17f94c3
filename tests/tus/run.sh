#!/usr/bin/env bash
# curl uploads to a running demo by hand, is cut off in the middle, and resumes; then it sends a plain form. Each file is
# compared by its SHA-256. A public tus client does the same in tests/browser.
# usage: tests/tus/run.sh      $POSTERN: the program, if it is built already.
. "$(dirname "$0")/../outside.sh"
need swaks libnet-ssleay-perl curl jq

start_demo

web() { curl -sS --cacert "$(fact ca)" -b "$WORK/cookies" -c "$WORK/cookies" "$@"; }
hidden() { grep -o 'name="form" value="[a-z0-9]*"' | tail -n 1 | cut -d '"' -f 4; }

# A guest: invited by mail, in by the link.
swaks --silent 2 --server "$(fact submission)" --tls --auth-user "$(fact user)" --auth-password "$(fact password)" \
  --from "$(fact user)" --to "kim@partner.example,$(fact invite)" --header 'Subject: Plans' --body 'Please send them.' \
  >"$WORK/swaks.log" 2>&1 || die 'swaks was refused'
mail_to kim@partner.example >"$WORK/arrived.eml"
LINK=$(tr -d '\r' <"$WORK/arrived.eml" | grep -o 'https://[a-z0-9.:/-]*/i/[A-Za-z0-9]*' | head -n 1)
SITE=${LINK%/i/*}
web -f -o /dev/null --data-urlencode "form=$(web "$LINK" | hidden)" --data-urlencode 'name=Kim Kerr' \
  --data-urlencode 'password=seven brown kettles sing' "$LINK"
FORM=$(web "$SITE/dropoff" | hidden)
[ -n "$FORM" ] || die 'no Drop-Off page'

# begin SUBJECT: a new drop-off, by its identifier.
begin() {
  web -f -F "form=$FORM" -F "to=$(fact user)" -F "subject=$1" "$SITE/dropoff/begin" | jq -er .id
}

# sent DROPOFF FILE: hands the drop-off over; the page then shows the file's own hash.
sent() {
  local leads
  leads=$(web -o /dev/null -w '%{redirect_url}' -F "form=$FORM" -F "to=$(fact user)" -F "subject=$1" "$SITE/dropoff/$2")
  [ "$leads" = "$SITE/dropoff/sent?sent" ] || die "$1 was not sent"
  web "$leads" | grep -q "$(sha256sum <"$3" | cut -d ' ' -f 1)" || die "another file arrived: $1"
  shown "$1: the hash of what arrived is that of what was sent"
}

head -c 40000000 /dev/urandom >"$WORK/film.bin"

id=$(begin curl)
tus() { web -H 'Tus-Resumable: 1.0.0' "$@"; }
header() { tr -d '\r' | awk -v name="$1:" 'tolower($1) == name { print $2 }'; }
place=$(tus -D - -o /dev/null -X POST -H 'Upload-Length: 40000000' \
  -H "Upload-Metadata: dropoff $(printf %s "$id" | base64 -w 0),filename $(printf film.bin | base64)" "$SITE/files" | header location)
# Cut off by a deadline: 8 MB a second, for one second.
tus --limit-rate 8M --max-time 1 -o /dev/null -X PATCH -H 'Upload-Offset: 0' -H 'Content-Type: application/offset+octet-stream' \
  -T "$WORK/film.bin" "$SITE$place" 2>/dev/null && die 'this upload should have been cut off'
# The server needs a moment to see that; it tells the offset it has made durable.
offset_is_known() { offset=$(tus -I "$SITE$place" | header upload-offset); [ "$offset" -gt 0 ]; }
until_true 10 'an offset' offset_is_known
shown "curl was cut off; the server has $offset of 40000000 octets"
until_true 10 'the rest' eval 'offset_is_known && tail -c +$((offset + 1)) "$WORK/film.bin" >"$WORK/rest.bin" &&
  tus -f -o /dev/null -X PATCH -H "Upload-Offset: $offset" -H "Content-Type: application/offset+octet-stream" -T "$WORK/rest.bin" "$SITE$place"'
sent curl "$id" "$WORK/film.bin"

leads=$(web -o /dev/null -w '%{redirect_url}' -F "form=$FORM" -F "to=$(fact user)" -F 'subject=plain form' \
  -F "files=@$WORK/film.bin" -F "files=@$WORK/rest.bin" "$SITE/dropoff")
[ "$leads" = "$SITE/dropoff/sent?sent" ] || die 'the plain form was not taken'
web "$leads" | grep -q "$(sha256sum <"$WORK/rest.bin" | cut -d ' ' -f 1)" || die 'another file arrived by the plain form'
shown 'two files by a plain form'
