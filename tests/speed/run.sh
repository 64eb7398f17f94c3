#!/usr/bin/env bash
# Plain relay of messages, beside Postfix: smtp-source with 20 sessions → the relay → smtp-sink, both relays durable, on
# the same disk, each writing its log to a file, taking turns in one run. Prints messages a second and CPU time a
# message.
# usage: tests/speed/run.sh [-l OCTETS] [MESSAGES [ROUNDS]]      (default: messages of 4096 octets, 3000 of them, and
#        3 rounds; tests/speed/run.sh -l 10485760 60 for large ones)
# $POSTERN: the program, if it is built already; $SPEED_DIR: where the relays keep their mail (default: target/speed).
# Needs root, as Postfix does.
. "$(dirname "$0")/relay.sh"
OCTETS=4096 SESSIONS=20
while getopts l: option; do
  case $option in
    l) OCTETS=$OPTARG ;;
    *) die 'usage: run.sh [-l OCTETS] [MESSAGES [ROUNDS]]' ;;
  esac
done
shift $((OPTIND - 1))
MESSAGES=${1:-3000} ROUNDS=${2:-3}

at_the_end() {
  [ ! -e "$DISK/postfix/conf" ] || postfix -c "$DISK/postfix/conf" stop >/dev/null 2>&1
  rm -rf "$DISK"
}
POSTFIX_PORT=$(free_port)

start_postfix() {
  postfix_base "$DISK/postfix"
  # Tuned for throughput: no throttles, connections to the next hop kept, as many processes as it can use.
  cat >>"$DISK/postfix/conf/main.cf" <<CONF
mynetworks = 127.0.0.0/8
smtpd_relay_restrictions = permit_mynetworks, reject
relayhost = [127.0.0.1]:$SINK
in_flow_delay = 0
default_process_limit = 200
smtp_destination_concurrency_limit = 50
initial_destination_concurrency = 50
smtp_connection_cache_on_demand = yes
smtpd_client_connection_count_limit = 0
smtpd_client_connection_rate_limit = 0
smtp_tls_security_level = none
message_size_limit = 0
mailbox_size_limit = 0
CONF
  echo "127.0.0.1:$POSTFIX_PORT inet n - n - 200 smtpd" >>"$DISK/postfix/conf/master.cf"
  postfix -c "$DISK/postfix/conf" start >"$WORK/postfix-start.log" 2>&1 || die 'Postfix did not start'
  until_true 20 Postfix listens "$POSTFIX_PORT"
  read -r POSTFIX_PID <"$DISK/postfix/queue/pid/master.pid"
}

# Clock ticks that a process, its children, and those of its children that have ended took so far.
ticks() {
  local pid=$1 child sum stat
  stat=$(<"/proc/$pid/stat")
  # Behind the name, which may hold anything: utime, stime, cutime, cstime are 12 to 15 of what follows.
  set -- ${stat##*) }
  sum=$((${12} + ${13} + ${14} + ${15}))
  for child in $(pgrep -P "$pid" || true); do
    stat=$(cat "/proc/$child/stat" 2>/dev/null) || continue
    set -- ${stat##*) }
    sum=$((sum + ${12} + ${13}))
  done
  echo $sum
}

# round NAME PORT PID [OPTION]: one measurement; appends "rate cpu" to $WORK/NAME.figures.
round() {
  local name=$1 port=$2 pid=$3 before after start end
  shift 3
  start_sink -M "$MESSAGES"
  before=$(ticks "$pid")
  start=$EPOCHREALTIME
  smtp-source -s $SESSIONS -l $OCTETS -m "$MESSAGES" "$@" -f speed@corp.example -t kim@partner.example "127.0.0.1:$port" \
    >"$WORK/source.log" 2>&1 || die "smtp-source to $name: $(cat "$WORK/source.log")"
  # The sink ends when the last message has reached it.
  wait "$SINK_PID" || die "smtp-sink behind $name: $(cat "$WORK/sink.log")"
  end=$EPOCHREALTIME
  after=$(ticks "$pid")
  awk -v s="$start" -v e="$end" -v n="$MESSAGES" -v t=$((after - before)) -v hz="$(getconf CLK_TCK)" -v name="$name" '
    BEGIN { printf "%.0f %.3f\n", n / (e - s), 1000 * t / hz / n }' | tee -a "$WORK/$name.figures" |
    awk -v name="$name" '{ printf "  %-8s %6d messages/s  %7.3f ms of CPU a message\n", name, $1, $2 }'
}

# The middle one of the rounds, by rate.
median() { sort -n "$WORK/$1.figures" | awk '{ line[NR] = $0 } END { print line[int((NR + 1) / 2)] }'; }

measure() { # TITLE [OPTION of smtp-source]
  local number title=$1
  shift
  rm -f "$WORK"/*.figures
  echo "$title, $MESSAGES messages of $OCTETS octets, $SESSIONS sessions:"
  for ((number = 0; number < ROUNDS; number++)); do
    round postfix "$POSTFIX_PORT" "$POSTFIX_PID" "$@"
    round postern "$POSTERN_PORT" "$POSTERN_PID" "$@"
  done
  paste -d' ' <(median postfix) <(median postern) | awk '{
    printf "  median: Postern %d/s and %.3f ms, Postfix %d/s and %.3f ms: %.1f times the rate, %.0f %% of the CPU\n",
      $3, $4, $1, $2, $3 / $1, 100 * $4 / $2 }'
}

start_postfix
start_postern
measure 'A connection for each message'
measure 'Connections that are kept' -d
