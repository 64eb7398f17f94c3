#!/usr/bin/env bash
# How much memory files cost, and how soon a page begins: one large plain form, many resumable uploads at once, and the
# first octet of pages on a connection that is kept.
# usage: tests/speed/files.sh [UPLOADS [MIB_EACH [MIB_OF_THE_FORM]]]    default: 100 64 2048; $POSTERN: the program.
. "$(dirname "$0")/../outside.sh"
need swaks libnet-ssleay-perl curl jq
UPLOADS=${1:-100} EACH=${2:-64} FORM_MIB=${3:-2048}
find_postern "${PROFILE:-debug}"
start_demo

web() { curl -sS --cacert "$(fact ca)" -b "$WORK/cookies" -c "$WORK/cookies" "$@"; }
hidden() { grep -o 'name="form" value="[a-z0-9]*"' | tail -n 1 | cut -d '"' -f 4; }
memory() { awk -v name="$1:" '$1 == name { printf "%.1f MiB", $2 / 1024 }' "/proc/$DEMO/status"; }
# The highest mark of the resident set begins anew.
forget_peak() { echo 5 >"/proc/$DEMO/clear_refs"; }

swaks --silent 2 --server "$(fact submission)" --tls --auth-user "$(fact user)" --auth-password "$(fact password)" \
  --from "$(fact user)" --to "kim@partner.example,$(fact invite)" --header 'Subject: Plans' --body 'Please send them.' \
  >"$WORK/swaks.log" 2>&1 || die 'swaks was refused'
mail_to kim@partner.example >"$WORK/arrived.eml"
LINK=$(tr -d '\r' <"$WORK/arrived.eml" | grep -o 'https://[a-z0-9.:/-]*/i/[A-Za-z0-9]*' | head -n 1)
SITE=${LINK%/i/*}

# Ten times on one connection; the first, with the handshake, does not count.
first_octet() {
  local urls=() i
  for i in {0..10}; do urls+=(-o /dev/null "$1"); done
  web -w '%{time_starttransfer}\n' "${urls[@]}" | tail -n 10 | sort -n |
    awk '{ t[NR] = $1 * 1000 } END { printf "median %.2f ms, slowest %.2f ms\n", t[5], t[10] }'
}
echo "first octet of the activation page: $(first_octet "$LINK")"

web -f -o /dev/null --data-urlencode "form=$(web "$LINK" | hidden)" --data-urlencode 'name=Kim Kerr' \
  --data-urlencode 'password=seven brown kettles sing' "$LINK"
TOKEN=$(web "$SITE/dropoff" | hidden)
echo "first octet of the Drop-Off page: $(first_octet "$SITE/dropoff")"

echo "memory after the start: $(memory VmRSS)"
truncate -s "${FORM_MIB}M" "$WORK/large.bin"
forget_peak
took=$(web -o /dev/null -w '%{time_total} %{redirect_url}' -F "form=$TOKEN" -F "to=$(fact user)" -F 'subject=Large' \
  -F "files=@$WORK/large.bin" "$SITE/dropoff")
[ "${took#* }" = "$SITE/dropoff/sent?sent" ] || die 'the form was not taken'
echo "a plain form of $FORM_MIB MiB: ${took%% *} s; memory at most $(memory VmHWM)"

truncate -s "${EACH}M" "$WORK/each.bin"
upload() { # DROPOFF NUMBER
  local cookies=$WORK/cookies place
  tus() { curl -sS --fail --cacert "$(fact ca)" -b "$cookies" -H 'Tus-Resumable: 1.0.0' "$@"; }
  place=$(tus -D - -o /dev/null -X POST -H "Upload-Length: $((EACH << 20))" \
    -H "Upload-Metadata: dropoff $(printf %s "$1" | base64 -w 0),filename $(printf %s "$2.bin" | base64)" "$SITE/files" |
    tr -d '\r' | awk 'tolower($1) == "location:" { print $2 }')
  # By HTTP/1.1: a hundred curls that wait for HTTP/2's windows keep the processors busy with asking.
  tus --http1.1 -o /dev/null -X PATCH -H 'Upload-Offset: 0' -H 'Content-Type: application/offset+octet-stream' \
    -T "$WORK/each.bin" "$SITE$place"
}
forget_peak
begun=$SECONDS pids=()
for ((i = 0; i < UPLOADS; i++)); do
  if ((i % 50 == 0)); then
    id=$(web -f -F "form=$TOKEN" -F "to=$(fact user)" -F "subject=Many $i" "$SITE/dropoff/begin" | jq -er .id)
  fi
  upload "$id" "$i" &
  pids+=($!)
done
for pid in "${pids[@]}"; do wait "$pid" || die 'an upload failed'; done
echo "$UPLOADS uploads of $EACH MiB at once: $((SECONDS - begun)) s; memory at most $(memory VmHWM)"
