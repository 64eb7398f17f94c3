# What the scripts share that bring Postern and programs of others together. To be sourced; loopback only.
#
# Everything lives in $WORK, which is removed at the end; everything that was started is stopped then.

set -euo pipefail

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
WORK=$(mktemp -d "${TMPDIR:-/tmp}/postern-outside.XXXXXX")
STARTED=()

finish() {
  local status=$? pid
  for pid in "${STARTED[@]}"; do kill "$pid" 2>/dev/null || true; done
  for pid in "${STARTED[@]}"; do wait "$pid" 2>/dev/null || true; done
  if declare -F at_the_end >/dev/null; then at_the_end || true; fi
  [ $status = 0 ] || tail -n 20 "$WORK"/*.log "$WORK"/*/mail.log >&2 2>/dev/null || true
  rm -rf "$WORK"
  exit $status
}
trap finish EXIT

die() { echo "$0: $*" >&2; exit 1; }

# One line for each fact that was shown.
shown() { echo "ok: $*"; }

# Debian packages, installed without starting their services.
need() {
  local package missing=() guard=/usr/sbin/policy-rc.d guarded=''
  for package; do
    dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || missing+=("$package")
  done
  [ ${#missing[@]} = 0 ] && return
  [ "$(id -u)" = 0 ] || die "please install: ${missing[*]}"
  [ -e $guard ] || { guarded=1; printf '#!/bin/sh\nexit 101\n' >$guard; chmod 755 $guard; }
  echo 'postfix postfix/main_mailer_type select No configuration' | debconf-set-selections 2>/dev/null || true
  {
    DEBIAN_FRONTEND=noninteractive apt-get -qq install -y --no-install-recommends "${missing[@]}" ||
      { apt-get -qq update && DEBIAN_FRONTEND=noninteractive apt-get -qq install -y --no-install-recommends "${missing[@]}"; }
  } >"$WORK/apt.log" 2>&1 </dev/null || die "could not install: ${missing[*]}"
  [ -z "$guarded" ] || rm -f $guard
}

# until_true SECONDS WHAT COMMAND...: asks again and again, and gives up at the deadline.
until_true() {
  local end=$((SECONDS + $1)) what=$2
  shift 2
  until "$@" >/dev/null 2>&1; do
    [ $SECONDS -lt "$end" ] || die "waited in vain for $what"
    sleep 0.05
  done
}

listens() { (: <"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

# A port that nobody listens on now.
free_port() {
  local port
  while :; do
    port=$((20000 + RANDOM % 12000))
    listens $port || { echo $port; return; }
  done
}

# The program: $POSTERN if set, else built now ($1: debug or release).
find_postern() {
  [ -z "${POSTERN:-}" ] || return 0
  local profile=()
  [ "$1" = debug ] || profile=(--release)
  (cd "$ROOT" && cargo build --locked --quiet "${profile[@]}" --bin postern)
  POSTERN=${CARGO_TARGET_DIR:-$ROOT/target}/$1/postern
}

# `postern demo` with these options; its facts are then to be had by `fact KEY`.
start_demo() {
  find_postern debug
  "$POSTERN" demo --json "$@" >"$WORK/facts" 2>"$WORK/postern.log" </dev/null &
  STARTED+=($!)
  DEMO=$!
  until_true 60 'postern demo' test -s "$WORK/facts"
}

fact() { jq -er ".$1" "$WORK/facts"; }

# The demo's mailbox: the ids of the mails to this address, newest first.
mails_to() {
  curl -fsS --cacert "$(fact ca)" -H 'Accept: application/json' "$(fact mailbox)" |
    jq -er --arg to "$1" '[.[] | select(.to | index($to)) | .id] | if . == [] then error("none") else .[] end'
}

# The octets of the newest mail to this address, as the next hop got them.
mail_to() {
  until_true 30 "a mail to $1" mails_to "$1"
  curl -fsS --cacert "$(fact ca)" "$(fact mailbox)/$(mails_to "$1" | head -n 1).eml"
}

# An authority ($WORK/ca.pem) and a certificate of its for these names ($WORK/server.pem, $WORK/server.key).
make_certificate() {
  local names
  names=$(printf 'DNS:%s,' "$@")IP:127.0.0.1
  (
    cd "$WORK"
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout ca.key -out ca.pem -days 2 \
      -subj '/CN=Authority of a test' -addext keyUsage=critical,keyCertSign
    openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout server.key -out server.csr -subj "/CN=$1"
    openssl x509 -req -in server.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -out server.pem \
      -extfile <(printf 'subjectAltName=%s\nbasicConstraints=CA:FALSE\nextendedKeyUsage=serverAuth\n' "$names")
    chmod 600 server.key
  ) 2>"$WORK/openssl.log"
}

# What every Postfix here has in common: a life of its own beside the system's. $1: its directory.
postfix_base() {
  mkdir -p "$1/conf" "$1/queue" "$1/data"
  chown postfix "$1/data"
  chmod 755 "$WORK" "$1"
  cat >"$1/conf/main.cf" <<CONF
compatibility_level = 3.6
queue_directory = $1/queue
data_directory = $1/data
maillog_file = $1/mail.log
maillog_file_prefixes = $1
myhostname = mx.partner.example
mydestination =
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
alias_maps =
alias_database =
biff = no
smtputf8_enable = yes
local_transport = error:5.1.1 no local mail
CONF
  cat >"$1/conf/master.cf" <<CONF
pickup unix n - n 60 1 pickup
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
tlsmgr unix - - n 1000? 1 tlsmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
verify unix - - n - 1 verify
proxymap unix - - n - - proxymap
proxywrite unix - - n - 1 proxymap
smtp unix - - n - - smtp
relay unix - - n - - smtp
showq unix n - n - - showq
error unix - - n - - error
retry unix - - n - - error
virtual unix - n n - - virtual
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
postlog unix-dgram n - n - 1 postlogd
CONF
}
