# What the measurements share: Postern as a plain relay to an smtp-sink, durable, with its usual log in a file.
# To be sourced.
. "$(dirname "${BASH_SOURCE[0]}")/../outside.sh"
need postfix openssl
find_postern release

DISK=${SPEED_DIR:-$ROOT/target/speed}
mkdir -p "$DISK"
DISK=$(mktemp -d "$(realpath "$DISK")/run.XXXXXX")
chmod 755 "$DISK"
at_the_end() { rm -rf "$DISK"; }
SINK=$(free_port) POSTERN_PORT=$(free_port)
make_certificate localhost

# start_postern [TLS [LIMITS]]: listens on $POSTERN_PORT with `tls` so set ("none" if not said); anew, if it runs.
start_postern() {
  [ -z "${POSTERN_PID:-}" ] || { kill "$POSTERN_PID" && wait "$POSTERN_PID" || die 'postern did not stop cleanly'; }
  rm -rf "$DISK/postern"
  mkdir "$DISK/postern"
  cat >"$WORK/postern.toml" <<CONF
[server]
hostname = "localhost"
certificate = "$WORK/server.pem"
key = "$WORK/server.key"
[organisation]
name = "Corp Example"
domains = ["corp.example"]
[[listener]]
address = "127.0.0.1:$POSTERN_PORT"
tls = "${1:-none}"
role = "relay"
trusted = ["127.0.0.0/8"]
[web]
address = "127.0.0.1:$(free_port)"
[[relay.smarthost]]
host = "127.0.0.1"
port = $SINK
tls = "none"
[storage]
directory = "$DISK/postern"
[limits]
${2:-}
CONF
  "$POSTERN" serve --config "$WORK/postern.toml" >"$WORK/postern.log" 2>&1 </dev/null &
  POSTERN_PID=$!
  STARTED+=($POSTERN_PID)
  until_true 20 postern listens "$POSTERN_PORT"
}

# start_sink [OPTION of smtp-sink]: listens on $SINK and throws away what it gets.
start_sink() {
  smtp-sink -u nobody "$@" "127.0.0.1:$SINK" 1024 >"$WORK/sink.log" 2>&1 &
  SINK_PID=$!
  STARTED+=($SINK_PID)
  until_true 20 smtp-sink listens "$SINK"
}
