#!/usr/bin/env bash
# Runs fuzz targets one behind the other and prints a line for each: inputs tried, what they covered, what was found.
# usage: fuzz/run.sh [TARGET...]      $SECONDS_EACH: how long each runs (600)
#
# Needs `cargo install cargo-fuzz@0.13.2` and a C++ compiler. Nothing here is unsafe, so no sanitizer is needed, and the
# stable toolchain will do. What is found stands in fuzz/artifacts/TARGET.
set -euo pipefail
cd "$(dirname "$0")"
export RUSTC_BOOTSTRAP=1
[ $# -gt 0 ] || set -- $(sed -n 's/^name = "\(.*\)"$/\1/p' Cargo.toml | tail -n +2)

[ -d corpus ] || ./seeds.py
words=$(mktemp)
trap 'rm -f "$words" "$words".*' EXIT
# What the protocol and the formats say, so that chance need not find it.
cat >"$words" <<'WORDS'
"EHLO a\x0d\x0a"
"MAIL FROM:<ann@corp.example>"
"RCPT TO:<kim@partner.example>"
"RCPT TO:<invite@corp.example>"
"DATA\x0d\x0a"
"BDAT 9 LAST\x0d\x0a"
"AUTH PLAIN "
"\x0d\x0a.\x0d\x0a"
"\x0d\x0a\x0d\x0a"
"Content-Type: "
"Content-Transfer-Encoding: "
"multipart/mixed; boundary=b"
"multipart/alternative; boundary=b"
"message/rfc822"
"text/html; charset="
"quoted-printable"
"base64"
"\x0d\x0a--b\x0d\x0a"
"\x0d\x0a--b--\x0d\x0a"
"Bcc: "
"<body>"
"</body>"
"<!--"
"{{ "
"{% block "
"=?utf-8?q?"
WORDS

for target; do
  status=0
  cargo fuzz run -O -s none --fuzz-dir . "$target" -- -max_total_time="${SECONDS_EACH:-600}" -max_len=16384 \
    -dict="$words" -timeout=20 -rss_limit_mb=2048 -print_final_stats=1 >"$words.$target" 2>&1 || status=$?
  tried=$(sed -n 's/^stat::number_of_executed_units: *//p' "$words.$target")
  covered=$(grep -oE 'cov: [0-9]+ ft: [0-9]+ corp: [0-9]+' "$words.$target" | tail -n 1)
  found=$(find "artifacts/$target" -type f 2>/dev/null | wc -l)
  echo "$target: ${tried:-0} inputs, ${covered:-nothing covered}, $found found"
  if [ "$status" != 0 ]; then
    tail -n 40 "$words.$target" >&2
  fi
done
