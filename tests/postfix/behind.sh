#!/usr/bin/env bash
# The README's recipe "Behind Postfix", taken from the README word for word but for names and ports, with Debian's own
# Postfix. Shows: an invitation that a client gives to Postfix comes back as one mail with one link for each person
# outside, and as a mail without a link for a colleague; a refusal reaches the sender in words; ordinary mail never passes
# Postern; a stranger cannot send through it.
# usage: tests/postfix/behind.sh      Needs root, as Postfix does. $POSTERN: the program, if it is built already.
. "$(dirname "$0")/../outside.sh"
need postfix swaks libnet-ssleay-perl openssl

FRONT=$WORK/front
MAIL=$WORK/mail
ALEX=alex@corp.example
BO=bo@corp.example
INVITE=invite@corp.example
INTERNAL=invite-internal@corp.example
PEOPLE=($ALEX $BO kim@partner.example lee@supplier.example)
at_the_end() { [ ! -e "$FRONT/conf" ] || postfix -c "$FRONT/conf" stop >/dev/null 2>&1; }

# The n-th block of the recipe.
recipe() {
  sed -n '/^### Behind Postfix/,/^### Behind Exchange/p' "$ROOT/README.md" |
    awk -v wanted="$1" '/^    /{ if (!inside) number++; inside = 1 } /^[^ ]/{ inside = 0 } inside && number == wanted { print substr($0, 5) }' |
    # A client on this machine stands for one that has signed in; nothing here runs in a chroot.
    sed "s/permit_sasl_authenticated/permit_mynetworks/; s/^submission /127.0.0.1:$submission /; s/ n - y - - smtpd/ n - n - - smtpd/; s/ - - y - - smtp/ - - n - - smtp/
      s|/etc/postfix/postern|$FRONT/conf/postern|; s/10025/$relay/; s/10026/$back/"
}

start_postern() {
  make_certificate postern.corp.example
  mkdir "$WORK/postern"
  {
    printf '[server]\nhostname = "postern.corp.example"\ncertificate = "../server.pem"\nkey = "../server.key"\n'
    printf '[organisation]\nname = "Corp Example"\ndomains = ["corp.example"]\n'
    printf '[invite]\ncheck_domains = false\n' # no DNS knows the domains of a test
    printf '[storage]\ndirectory = "state"\n[web]\naddress = "127.0.0.1:%s"\n' "$web"
    recipe 5
  } >"$WORK/postern/postern.toml"
  export POSTERN_CONFIG=$WORK/postern/postern.toml
  find_postern debug
  echo 'a lantern at the water gate' | "$POSTERN" account add $ALEX --name 'Alex Doe' >/dev/null
  "$POSTERN" serve >"$WORK/postern.log" 2>&1 &
  STARTED+=($!)
  until_true 30 Postern listens "$relay"
}

start_postfix() {
  postfix_base "$FRONT"
  mkdir -p "$MAIL"
  chown nobody "$MAIL"
  local person
  for person in "${PEOPLE[@]}"; do echo "$person ${person#*@}/${person%@*}/"; done >"$FRONT/conf/boxes"
  cat >>"$FRONT/conf/main.cf" <<CONF
virtual_mailbox_domains = corp.example, partner.example, supplier.example
virtual_mailbox_base = $MAIL
virtual_mailbox_maps = texthash:$FRONT/conf/boxes
virtual_minimum_uid = 1
virtual_uid_maps = static:$(id -u nobody)
virtual_gid_maps = static:$(id -g nobody)
# As strangers see it.
mynetworks = 192.0.2.0/24
smtpd_relay_restrictions = permit_mynetworks, reject_unauth_destination
$(recipe 4)
CONF
  recipe 1 >"$FRONT/conf/postern"
  {
    # The same service twice: to one the client has signed in, to the other it is a stranger.
    recipe 2 | sed "s/:$submission /:$outside /"
    recipe 2
    echo '    -o mynetworks=127.0.0.0/8'
    recipe 3
  } >>"$FRONT/conf/master.cf"
  postfix -c "$FRONT/conf" start >"$WORK/postfix-start.log" 2>&1 || die "Postfix did not start: $(cat "$FRONT/mail.log")"
  until_true 20 Postfix listens "$submission"
  until_true 20 Postfix listens "$back"
}

boxes() { find "$MAIL/${1#*@}/${1%@*}/new" -type f 2>/dev/null; }
# The file of the mail to this person that has this subject.
arrived() { boxes "$1" | xargs -r grep -lx "Subject: $2" | grep .; }
give() { swaks --silent 2 --server "127.0.0.1:$1" --from "$2" --h-From "$2" "${@:3}" >"$WORK/swaks.log" 2>&1; }

submission=$(free_port) relay=$(free_port) back=$(free_port) outside=$(free_port) web=$(free_port)
start_postern
start_postfix

give "$submission" $ALEX --to "kim@partner.example,lee@supplier.example,$BO,$INVITE" --h-To 'kim@partner.example, lee@supplier.example' \
  --h-Cc "$BO, $INVITE" --h-Subject 'The plans' --body 'Please send us the plans.' || die "Postfix refused: $(cat "$WORK/swaks.log")"
links=()
for person in kim@partner.example lee@supplier.example; do
  until_true 30 "a mail for $person" arrived $person 'The plans'
  file=$(arrived $person 'The plans')
  [ "$(wc -l <<<"$file")" = 1 ] || die "more than one mail for $person"
  links+=("$(grep -o 'https://postern.corp.example/i/[A-Za-z0-9]*' "$file" | sort -u)")
done
[ "$(printf '%s\n' "${links[@]}" | sort -u | grep -c /i/)" = 2 ] || die "not one link each: ${links[*]}"
shown 'an invitation by way of Postfix: one mail and one link for each person outside'
until_true 30 "a mail for $BO" arrived $BO 'The plans'
! grep -q /i/ "$(arrived $BO 'The plans')" || die 'the colleague has a link'
shown 'a copy without a link for the colleague'

give "$submission" $ALEX --to "invite+kim=partner.example@corp.example" --h-To 'invite+kim=partner.example@corp.example' --h-Subject 'By a tag' \
  --body 'Please send us the plans.' || die "Postfix refused: $(cat "$WORK/swaks.log")"
until_true 30 'the mail by a tag' arrived kim@partner.example 'By a tag'
shown 'an invitation to an address with a tag'

give "$submission" $ALEX --to "$BO,$INVITE" --h-To "$BO, $INVITE" --h-Subject 'Nobody outside' --body 'Hello.' || die 'Postfix refused'
until_true 30 'the report' eval "boxes $ALEX | xargs -r grep -l 'nobody outside the organisation'"
shown "a refusal comes back to the sender: $(boxes $ALEX | xargs cat | tr -d '\n' | grep -o '550 5.1.3 nobody outside[^.]*' | tr -s ' ' | head -n 1)"

give "$submission" $ALEX --to "$BO,$INTERNAL" --h-To "$BO, $INTERNAL" --h-Subject 'A colleague' --body 'Hello.' || die 'Postfix refused'
until_true 30 'the report' eval "boxes $ALEX | xargs -r grep -l 'colleagues cannot be'"
shown 'an invitation of a colleague is handed over, and refused where no directory knows colleagues'

give "$submission" $ALEX --to "kim@partner.example,$BO" --h-To kim@partner.example --h-Subject 'Ordinary' --body 'No invitation.' || die 'Postfix refused'
until_true 30 'the ordinary mail' arrived kim@partner.example 'Ordinary'
! grep -q 'postern.corp.example' "$(arrived kim@partner.example 'Ordinary')" || die 'ordinary mail has passed Postern'
shown 'ordinary mail never passes Postern'

filtered() { grep -c 'triggers FILTER' "$FRONT/mail.log"; }
before=$(filtered)
[ "$before" = 4 ] || die "$before of 4 messages with an invite address were handed over"
! give "$outside" mallory@else.example --to "$BO,$INVITE" --h-Subject Hello --body 'Hello.' || die 'a stranger may write to the invite address'
! give "$outside" $ALEX --to "kim@partner.example,$INVITE" --h-Subject Hello --body 'Hello.' || die 'a stranger may invite'
[ "$(filtered)" = "$before" ] || die 'a stranger reaches Postern'
[ "$(grep -c 'NOQUEUE: reject: RCPT from' "$FRONT/mail.log")" = 4 ] || die 'it was not Postfix that refused'
shown 'who has not signed in is refused by Postfix, and never reaches Postern'
