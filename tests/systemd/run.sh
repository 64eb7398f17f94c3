#!/usr/bin/env bash
# The unit, as an admin meets it. Always: it has no fault, and its sandbox keeps what it promises. With --here: the steps
# of the README on this very machine, then mail at port 587, a stop under load, a crash, a hang, and a new start, with
# another Postern as the next hop. It makes a user and writes to /etc and /var, so it wants a machine that is thrown away
# afterwards: a virtual one, or a container with systemd in it.
# usage: tests/systemd/run.sh [--here]     --here needs root. $POSTERN: the program, if it is built already.
. "$(dirname "$0")/../outside.sh"

# Of systemd's own scale, which ends at 10.0, times ten.
EXPOSURE_MAX=15
UNIT=$ROOT/systemd/postern.service
STATE=/var/lib/postern

# Prints what is wrong and succeeds nevertheless, so that any word is a fault. A machine without Postern has no such file.
told=$(systemd-analyze verify "$UNIT" 2>&1 | grep -v 'Command /usr/bin/postern is not executable' || true)
[ -z "$told" ] || die "$told"
systemd-analyze security --offline=true --threshold=$EXPOSURE_MAX "$UNIT" >"$WORK/security.log" 2>&1 ||
  die "the sandbox is wider than it was: $(tail -n 1 "$WORK/security.log")"
shown "the unit has no fault; $(grep -o 'exposure level.*[0-9.]\+' "$WORK/security.log")"
[ "${1:-}" = --here ] || exit 0

[ "$(id -u)" = 0 ] || die '--here needs root'
[ ! -e /etc/postern ] && [ ! -e $STATE ] || die 'there is a Postern on this machine; this wants one without'
need curl jq openssl swaks libnet-ssleay-perl
find_postern debug
as_postern() { runuser -u postern -- "$@"; }
at_the_end() { systemctl stop postern 2>/dev/null; journalctl -u postern -o cat --no-pager >"$WORK/journal.log" 2>/dev/null; }

# As in the README.
cd "$ROOT"
install -m 755 "$POSTERN" /usr/bin/postern
install -m 644 systemd/postern.service /etc/systemd/system/
install -D -m 644 systemd/postern.sysusers /etc/sysusers.d/postern.conf
install -D -m 644 systemd/postern.tmpfiles /etc/tmpfiles.d/postern.conf
systemd-sysusers && systemd-tmpfiles --create
install -m 640 -g postern conf/postern.toml /etc/postern/postern.toml

! as_postern postern check >"$WORK/check.log" 2>&1 || die 'a check without a certificate found no fault'
[ "$(grep -c ^FAULT "$WORK/check.log")" = 1 ] || die "not one fault: $(cat "$WORK/check.log")"
shown 'before there is a certificate, a check finds that and nothing else'

# The next hop: a demo, which takes mail with a password.
start_demo
make_certificate postern.corp.example localhost
install -m 640 -g postern "$WORK/server.pem" /etc/postern/tls/fullchain.pem
install -m 640 -g postern "$WORK/server.key" /etc/postern/tls/privkey.pem
install -m 640 -g postern "$(fact ca)" /etc/postern/tls/hop.pem
install -D -m 600 <(fact password) /etc/postern/secrets/smarthost
hop=$(fact submission)
sed -i "s|^\[relay\]|&\ntrust = \"tls/hop.pem\"\nretry_first = \"1 second\"|" /etc/postern/postern.toml
sed -i "/^# Where mail comes in/i [[relay.smarthost]]\nhost = \"127.0.0.1\"\nport = ${hop##*:}\nuser = \"$(fact user)\"\npassword_file = \"credential:smarthost\"\n" /etc/postern/postern.toml
install -D -m 644 /dev/stdin /etc/systemd/system/postern.service.d/test.conf <<'CONF'
[Service]
LoadCredential=smarthost:/etc/postern/secrets/smarthost
WatchdogSec=3s
CONF
systemctl daemon-reload

user=$(fact user)
echo 'a lantern at the water gate' >"$WORK/password"
chmod 644 "$WORK/password"
chmod 755 "$WORK"
! as_postern postern check >"$WORK/check.log" 2>&1 || die 'a check by hand knows the credential of a service that does not run'
grep -q 'systemd-run' "$WORK/check.log" || die "the check does not say how to check with it: $(cat "$WORK/check.log")"
systemd-run --quiet --pipe -p User=postern -p LoadCredential=smarthost:/etc/postern/secrets/smarthost postern check \
  >"$WORK/check.log" 2>&1 || die "the check found faults: $(cat "$WORK/check.log")"
shown 'with certificate and next hop, a check finds nothing'
! postern account list >"$WORK/root.log" 2>&1 || die 'root may make files in the state of a stopped service'
as_postern postern account add "$user" --name 'Alex Doe' --password-file "$WORK/password" >/dev/null
shown 'an account is added before the first start'

systemctl enable --quiet --now postern
shown 'the unit starts, with its sandbox, and says that it is ready'
[ "$(stat -c '%U %a' $STATE)" = 'postern 700' ] || die "$STATE is $(stat -c '%U %a' $STATE)"
! find $STATE -perm /077 -not -path $STATE | grep . || die 'others may look into the state'
shown 'the state is its own, and nobody else may look into it'

postern account list | grep -q "^$user  Alex Doe$" || die 'the running service does not list its accounts'
shown 'root asks the running service for its accounts'
as_postern postern check >"$WORK/check.log" 2>&1 || die "the check found faults: $(cat "$WORK/check.log")"
shown 'a check while the service runs finds nothing'

count=0
send() {
  count=$((count + 1))
  timeout 20 swaks --silent 2 --server 127.0.0.1:587 --tls --auth-user "$user" --auth-password "$(cat "$WORK/password")" --from "$user" \
    --to "nr$count@partner.example" --h-Subject "Number $count" --body 'Under load.' >"$WORK/swaks.log" 2>&1 &&
    echo "nr$count@partner.example" >>"$WORK/acknowledged"
}
all_arrived() {
  curl -fsS --cacert "$(fact ca)" -H 'Accept: application/json' "$(fact mailbox)" | jq -r '.[].to[]' | sort -u >"$WORK/arrived"
  [ -z "$(comm -23 <(sort -u "$WORK/acknowledged") "$WORK/arrived")" ]
}
load() { while [ ! -e "$WORK/enough" ]; do send || true; done; }
main() { systemctl show -P MainPID postern; }
another() { systemctl is-active --quiet postern && [ "$(main)" != 0 ] && [ "$(main)" != "$before" ]; }

send || die "port 587 refused: $(cat "$WORK/swaks.log")"
until_true 30 'the mail at the next hop' all_arrived
shown 'a mail by port 587 reached the next hop, with a password from a credential'

load &
loader=$!
STARTED+=($loader)
sleep 1
systemctl restart postern
[ "$(systemctl show -P Result postern)" = success ] || die 'the stop under load was no success'
shown 'a restart under load ends cleanly'
before=$(main)
kill -HUP "$before"
until_true 5 'words about SIGHUP' eval 'journalctl -u postern -o cat | grep -q "SIGHUP: the certificate was read again"'
[ "$(main)" = "$before" ] || die 'SIGHUP ended the service'
shown 'SIGHUP reads the certificate again, and says so in the journal'
kill -KILL "$before"
until_true 20 'a new process after kill -9' another
shown 'after kill -9 the service is there again'
before=$(main)
kill -STOP "$before"
until_true 20 'the watchdog' another
journalctl -u postern -o cat | grep -q 'Watchdog timeout' || die 'it was not the watchdog'
shown 'a process that hangs is replaced by the watchdog'
: >"$WORK/enough"
wait $loader || true
until_true 60 'all mail at the next hop' all_arrived
shown "all $(wc -l <"$WORK/acknowledged") mails that were acknowledged have arrived"
! journalctl -u postern -o cat | grep -q 'ERROR\|panicked\|nr[0-9]*@' || die 'the journal shows an error, or an address outside'
shown 'the journal shows no error and no address outside'
systemctl stop postern
[ ! -e $STATE/control.sock ] || die 'the control socket was left'
shown 'a stop leaves no socket'
