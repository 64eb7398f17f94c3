#!/usr/bin/env bash
# What Postern signs, verified by somebody else: dkimpy, Debian's python3-dkim, with the records that `postern check` says
# are to be published. An invitation in three shapes, a colleague's copy, an ordinary mail and a receipt are signed by an
# RSA key and an Ed25519 key; one octet changed, and neither signature verifies.
# usage: tests/dkim/run.sh      $POSTERN: the program, if it is built already.
. "$(dirname "$0")/../outside.sh"
need swaks libnet-ssleay-perl python3-dkim python3-nacl jq openssl

ALEX=alex@corp.example
KIM=kim@partner.example
INVITE=invite@corp.example
PASSWORD='a lantern at the water gate'

mkdir "$WORK/arrived" "$WORK/dkim"
python3 "$ROOT/tests/refusals/outside.py" "$WORK/arrived" 2>"$WORK/outside.log" &
STARTED+=($!)
until_true 20 'the world outside' test -e "$WORK/arrived/ports"
read -r names hop <"$WORK/arrived/ports"
make_certificate localhost
openssl genpkey -algorithm rsa -pkeyopt rsa_keygen_bits:2048 -out "$WORK/dkim/rsa.pem" 2>/dev/null
openssl genpkey -algorithm ed25519 -out "$WORK/dkim/ed.pem"
cat >"$WORK/postern.toml" <<CONF
[server]
hostname = "localhost"
certificate = "server.pem"
key = "server.key"
[organisation]
name = "Corp Example"
domains = ["corp.example"]
[[listener]]
address = "127.0.0.1:0"
[web]
address = "127.0.0.1:0"
[relay]
[[relay.smarthost]]
host = "127.0.0.1"
port = $hop
tls = "none"
[[dkim]]
domain = "corp.example"
selector = "rsa"
key_file = "dkim/rsa.pem"
[[dkim]]
domain = "corp.example"
selector = "ed"
key_file = "dkim/ed.pem"
[dns]
servers = ["127.0.0.1:$names"]
[storage]
directory = "state"
[log]
format = "json"
CONF
export POSTERN_CONFIG=$WORK/postern.toml
find_postern debug
echo "$PASSWORD" | "$POSTERN" account add $ALEX --name Alex >/dev/null
"$POSTERN" check >"$WORK/check" 2>&1 || true
"$POSTERN" serve 2>"$WORK/postern.log" &
STARTED+=($!)
until_true 60 Postern grep -q '"message":"ready"' "$WORK/postern.log"
port=$(jq -r 'select(.message == "ready") | .mail' "$WORK/postern.log" | grep -o ':[0-9]*' | tr -d :)

give() {
  swaks --silent 2 --server "localhost:$port" --tls --tls-verify --tls-ca-path "$WORK/ca.pem" --auth-user $ALEX \
    --auth-password "$PASSWORD" --from $ALEX "$@" >"$WORK/swaks.log" 2>&1 || die "refused: $(cat "$WORK/swaks.log")"
}
head -c 300000 /dev/urandom >"$WORK/plan.bin"
give --to "$KIM,bo@corp.example,invite+receipt@corp.example" --h-Cc bo@corp.example --h-To $KIM
give --to "lee@supplier.example,$INVITE" --attach @"$WORK/plan.bin"
give --to "max@partner.example,$INVITE" --header 'Content-Type: text/html; charset=utf-8' --body '<p>Gr&uuml;&szlig;e<br>'
give --to "ann@partner.example" --body $'Ordinary  \n\n\n'
count() { [ "$(find "$WORK/arrived" -name '*.eml' | wc -l)" = 6 ]; }
until_true 30 'six mails' count

/usr/bin/python3 - "$WORK/check" "$WORK/arrived" <<'PYTHON' || die 'a signature does not verify'
import dkim, glob, re, sys
# What is to be published, word for word.
lines = [line.split() for line in open(sys.argv[1]) if '._domainkey.' in line and '"' in line]
records = {line[0].encode(): ''.join(re.findall('"([^"]*)"', ' '.join(line))).encode() for line in lines}
assert len(records) == 2, open(sys.argv[1]).read()
ask = lambda name, timeout=5: records.get(name)
for path in sorted(glob.glob(sys.argv[2] + '/*/*.eml')):
    mail = open(path, 'rb').read()
    for index in (0, 1):
        judge = dkim.DKIM(mail)
        assert judge.verify(idx=index, dnsfunc=ask), (path, index)
        changed = dkim.DKIM(mail[:-3] + b'x' + mail[-3:])
        try:
            assert not changed.verify(idx=index, dnsfunc=ask), (path, 'changed, and still valid')
        except dkim.ValidationError:
            pass
    subject = re.search(rb'(?m)^Subject: (.*?)\r?$', mail)[1].decode()
    print(f'ok: dkimpy verifies both signatures of the mail to {path.split("/")[-2]} ({subject}), and neither when one octet is added')
PYTHON
