#!/usr/bin/env bash
# Memory: what many idle sessions hold, in clear and inside TLS, and what a relay with many busy sessions comes to.
# usage: tests/speed/idle.sh [IDLE [BUSY]]      (default 10000 and 100 sessions)
# $POSTERN and $SPEED_DIR as in run.sh. Needs root, as smtp-sink does, and twice as many descriptors as sessions.
. "$(dirname "$0")/relay.sh"
IDLE=${1:-10000} BUSY=${2:-100}
need python3-minimal
ulimit -n $((IDLE + 1000)) || die "so many sessions need more descriptors: ulimit -Hn $((IDLE + 1000))"

# memory FIELD: VmRSS, what Postern holds now; RssFile, what of it is the program and its libraries; VmHWM, the most it
# ever held; in MB.
memory() { awk -v field="$1:" '$1 == field { printf "%.1f\n", $2 * 1024 / 1e6 }' "/proc/$POSTERN_PID/status"; }

# idle TITLE TLS: opens the sessions, says EHLO in each, and looks.
idle() {
  local title=$1 before
  start_postern "$2" "connections = $((IDLE + 10))
connections_per_address = $((IDLE + 10))"
  before=$(memory VmRSS)
  coproc CLIENTS {
    exec python3 -c '
import socket, ssl, sys
port, count, is_tls = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3] == "implicit"
tls = ssl.create_default_context(cafile=sys.argv[4])
sessions = []
for _ in range(count):
    session = socket.create_connection(("127.0.0.1", port))
    if is_tls:
        session = tls.wrap_socket(session, server_hostname="localhost")
    assert session.recv(1000).startswith(b"220 ")
    session.sendall(b"EHLO client.example\r\n")
    assert session.recv(4000).startswith(b"250-")
    sessions.append(session)
print(len(sessions), flush=True)
sys.stdin.read()
' "$POSTERN_PORT" "$IDLE" "$2" "$WORK/ca.pem" 2>"$WORK/clients.log"
  }
  local clients=$CLIENTS_PID here
  read -r -u "${CLIENTS[0]}" here || die "the clients: $(cat "$WORK/clients.log")"
  awk -v title="$title" -v n="$here" -v before="$before" -v after="$(memory VmRSS)" 'BEGIN {
    printf "%d idle sessions %s: %.1f MB, of which %.1f MB before the first; %.1f kB a session\n",
      n, title, after, before, (after - before) * 1000 / n }'
  kill "$clients"
  wait "$clients" || true
}

# busy: each session sends one message after the other.
busy() {
  start_postern
  start_sink
  smtp-source -s "$BUSY" -l 4096 -m $((BUSY * 100)) -d -f speed@corp.example -t kim@partner.example \
    "127.0.0.1:$POSTERN_PORT" >"$WORK/source.log" 2>&1 || die "smtp-source: $(cat "$WORK/source.log")"
  echo "$BUSY busy sessions, $((BUSY * 100)) messages: $(memory VmHWM) MB at most, with $(memory RssFile) MB of the program itself"
}

idle 'in clear' none
idle 'inside TLS' implicit
busy
