#!/usr/bin/env bash
# A real Postfix as the next hop, with STARTTLS and a certificate that is checked. Shows: an invitation to three
# people arrives as three mails, each with its own link, and nobody sees the Bcc; an ordinary mail with an attachment
# of 5 MiB arrives with its body unchanged; a Postfix with a foreign certificate gets nothing.
# usage: tests/postfix/run.sh      Needs root, as Postfix does. $POSTERN: the program, if it is built already.
. "$(dirname "$0")/../outside.sh"
need postfix openssl swaks libnet-ssleay-perl jq curl

HOP=$WORK/hop
MAIL=$WORK/mail
PEOPLE=(kim@partner.example lee@supplier.example mo@else.example nan@partner.example olga@partner.example)
at_the_end() { [ ! -e "$HOP/conf" ] || postfix -c "$HOP/conf" stop >/dev/null 2>&1; }

start_postfix() {
  PORT=$(free_port)
  make_certificate localhost
  postfix_base "$HOP"
  mkdir -p "$MAIL"
  chown nobody "$MAIL"
  cat >>"$HOP/conf/main.cf" <<CONF
message_size_limit = 20971520
mailbox_size_limit = 0
virtual_mailbox_limit = 0
virtual_mailbox_domains = regexp:$HOP/conf/domains
virtual_mailbox_base = $MAIL
virtual_mailbox_maps = texthash:$HOP/conf/boxes
virtual_minimum_uid = 1
virtual_uid_maps = static:$(id -u nobody)
virtual_gid_maps = static:$(id -g nobody)
smtpd_relay_restrictions = reject_unauth_destination
smtpd_tls_security_level = encrypt
smtpd_tls_cert_file = $WORK/server.pem
smtpd_tls_key_file = $WORK/server.key
smtpd_tls_received_header = yes
CONF
  echo '/\.example$/ ok' >"$HOP/conf/domains"
  # The slash at the end makes it a Maildir.
  local person
  for person in "${PEOPLE[@]}"; do echo "$person ${person#*@}/${person%@*}/"; done >"$HOP/conf/boxes"
  echo "127.0.0.1:$PORT inet n - n - - smtpd" >>"$HOP/conf/master.cf"
  postfix -c "$HOP/conf" start >"$WORK/postfix-start.log" 2>&1 || die "Postfix did not start: $(cat "$HOP/mail.log")"
  until_true 20 Postfix listens "$PORT"
}

# The one file that arrived for this person.
arrived() { find "$MAIL/${1#*@}/${1%@*}/new" -type f 2>/dev/null | grep . ; }

# Header, and body, of a file with either line end.
header_of() { sed -n '/^\r\{0,1\}$/q;p' "$1"; }
body_of() { sed '1,/^\r\{0,1\}$/d' "$1" | tr -d '\r'; }

send() {
  swaks --silent 2 --server "$(fact submission)" --tls --auth-user "$(fact user)" --auth-password "$(fact password)" \
    --from "$(fact user)" "$@" >"$WORK/swaks.log" 2>&1 || die "swaks was refused: $(cat "$WORK/swaks.log")"
}

start_postfix
start_demo --smarthost "localhost:$PORT" --smarthost-tls starttls --smarthost-ca "$WORK/ca.pem"
read -r kim lee mo nan olga <<<"${PEOPLE[*]}"

send --to "$kim,$lee,$mo,$(fact invite)" --h-To "Kim Kerr <$kim>" --h-Cc "$lee, $(fact invite)" \
  --h-Subject 'Plans of the east wing' --body 'Dear Kim, please send us the plans.'
links=()
for person in $kim $lee $mo; do
  until_true 30 "a mail for $person" arrived $person
  file=$(arrived $person)
  [ "$(wc -l <<<"$file")" = 1 ] || die "more than one mail for $person"
  link=$(grep -o 'https://[a-z0-9.:/-]*/i/[A-Za-z0-9]*' "$file" | sort -u)
  [ "$(wc -l <<<"$link")" = 1 ] || die "not one link for $person: $link"
  links+=("$link")
  ! grep -qi "^bcc:\|$mo" <(grep -v $'^\\(Delivered-To\\|X-Original-To\\): \\|^\tfor <' "$file") || die "the Bcc shows in $person's copy"
  header_of "$file" | grep -q "^To: Kim Kerr <$kim>" || die "the To of $person's copy has changed"
  ! grep -q "$(fact invite)" "$file" || die "the invite address is still in $person's copy"
  header_of "$file" | grep -q 'using TLSv1' || die "$person's mail came without TLS"
done
shown 'an invitation to three people (To, Cc, Bcc) arrived as three mails, over STARTTLS with a checked certificate'
[ "$(printf '%s\n' "${links[@]}" | sort -u | wc -l)" = 3 ] || die 'two people share a link'
shown 'each with its own link'
shown 'nobody sees the Bcc'

{
  printf 'From: %s\nTo: %s\nSubject: A large plan\nDate: Tue, 24 Nov 2026 13:37:00 +0100\n' "$(fact user)" $nan
  printf 'Message-ID: <large@corp.example>\nMIME-Version: 1.0\nContent-Type: multipart/mixed; boundary="=_large"\n\n'
  printf -- '--=_large\nContent-Type: text/plain\n\nHere it is.\n.\n..dots\n\n--=_large\n'
  printf 'Content-Type: application/pdf; name="plan.pdf"\nContent-Disposition: attachment; filename="plan.pdf"\n'
  printf 'Content-Transfer-Encoding: base64\n\n'
  head -c 5242880 /dev/urandom | openssl base64
  printf -- '--=_large--\n'
} >"$WORK/large.eml"
# swaks ends the last line itself.
head -c -1 "$WORK/large.eml" >"$WORK/large.swaks"
send --to $nan --data "@$WORK/large.swaks"
until_true 60 'the large mail' arrived $nan
want=$(body_of "$WORK/large.eml" | sha256sum | cut -d' ' -f1)
got=$(body_of "$(arrived $nan)" | sha256sum | cut -d' ' -f1)
[ "$want" = "$got" ] || die "the body has changed: $want became $got"
shown "an ordinary mail with an attachment of 5 MiB arrived with the same body, sha256 $got"

# The same hop, but an authority that it is not of.
kill -TERM "$DEMO"
wait "$DEMO" || die 'postern did not stop cleanly'
shown 'postern stopped cleanly'
cp "$WORK/ca.pem" "$WORK/true-ca.pem"
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$WORK/other.key" -out "$WORK/other.pem" \
  -days 2 -subj '/CN=Somebody else' 2>/dev/null
rm "$WORK/facts"
start_demo --smarthost "localhost:$PORT" --smarthost-tls starttls --smarthost-ca "$WORK/other.pem"
send --to $olga --h-Subject 'Not for impostors' --body 'In confidence.'
tried() { grep -q 'certificate unknown\|unknown ca\|lost connection after STARTTLS' "$HOP/mail.log"; }
until_true 30 'an attempt that fails' tried
! arrived $olga >/dev/null || die 'a server with a foreign certificate got mail'
shown 'a server with a foreign certificate got nothing'
