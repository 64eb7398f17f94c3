#!/usr/bin/env bash
# What counts as an invitation and what is refused, row by row: the real program is asked by swaks over STARTTLS, and by
# curl on the web form; a name server and a next hop on loopback stand for the world outside. Prints a table of each case,
# the command that provokes it and the answer, and fails if an answer, or what arrived, is not the expected.
#
# A command is to be read with the options of its file: `swaks --config alex` is the server's address, STARTTLS, and
# Alex's name and password. To try them by hand, stay: then the gateway runs on until Enter, in the folder that is named.
# usage: tests/refusals/run.sh [--stay]      $POSTERN: the program, if it is built already.
. "$(dirname "$0")/../outside.sh"
need swaks libnet-ssleay-perl curl jq openssl
HERE=$ROOT/tests/refusals

ALEX=alex@corp.example
BO=bo@corp.example
KIM=kim@partner.example
LEE=lee@supplier.example
INVITE=invite@corp.example
PASSWORD='a lantern at the water gate'
WRONG=0

configure() {
  printf 'x%.0s' {1..257} >"$WORK/long"
  mkdir "$WORK/arrived"
  python3 "$HERE/outside.py" "$WORK/arrived" 2>"$WORK/outside.log" &
  STARTED+=($!)
  until_true 20 'the world outside' test -e "$WORK/arrived/ports"
  local names hop
  read -r names hop <"$WORK/arrived/ports"
  make_certificate localhost
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
[[listener]]
address = "127.0.0.1:0"
role = "relay"
trusted = ["127.0.0.1"]
[web]
address = "127.0.0.1:0"
[invite]
domain = "invite.corp.example"
blocked_domains = ["rival.example"]
per_day_to_one = "unlimited"
per_day_to_domain = "unlimited"
per_hour = "unlimited"
per_day = "unlimited"
[relay]
[[relay.smarthost]]
host = "127.0.0.1"
port = $hop
tls = "none"
[dns]
servers = ["127.0.0.1:$names"]
[limits]
dns_time = "2 seconds"
command_errors = 1000
[storage]
directory = "state"
[log]
format = "json"
CONF
  export POSTERN_CONFIG=$WORK/postern.toml
  find_postern debug
  local person
  for person in $ALEX $BO; do echo "$PASSWORD" | "$POSTERN" account add "$person" --name "${person%@*}" >/dev/null; done
  "$POSTERN" account forbid invite $BO >/dev/null
}

# The gateway, with these variables for its settings.
serve() {
  local log=$WORK/postern.log ports
  rm -f "$log"
  env "$@" "$POSTERN" serve 2>"$log" &
  GATEWAY=$!
  STARTED+=($!)
  until_true 60 Postern grep -q '"message":"ready"' "$log"
  ports=$(jq -r 'select(.message == "ready") | .mail + " " + .web' "$log")
  read -r SUBMISSION RELAY WEB <<<"$(grep -o ':[0-9]*' <<<"$ports" | tr -d : | tr '\n' ' ')"
  local person
  for person in alex bo; do
    printf '%s\n' "--server localhost:$SUBMISSION" --tls --tls-verify "--tls-ca-path $WORK/ca.pem" \
      "--auth-user $person@corp.example" "--auth-password $PASSWORD" "--from $person@corp.example" >"$WORK/$person"
  done
  # The same with more than a command line should hold.
  { cat "$WORK/alex"; echo "--h-To $INVITE"; echo "--to $(printf 'kim%s@partner.example,' {1..51})$INVITE"; } >"$WORK/many"
  { cat "$WORK/alex"; echo "--h-Subject $(cat "$WORK/long")"; } >"$WORK/wordy"
  # A mail server of the organisation's, which has signed its people in itself.
  printf '%s\n' "--server localhost:$RELAY" "--from $ALEX" >"$WORK/server"
}

stop() {
  kill -TERM $GATEWAY
  wait $GATEWAY || die 'postern did not stop cleanly'
}

section() { printf '\n### %s\n\n| case | command | answer |\n|---|---|---|\n' "$1"; }

# As a shell would want it typed.
quoted() {
  local word words=()
  for word; do
    [[ $word =~ ^[A-Za-z0-9@%+=:,./_-]+$ ]] || word="'$word'"
    words+=("$word")
  done
  echo "${words[*]}"
}

# line WHAT COMMAND ANSWER CODE WORDS: one row of the table, and whether it is as it should be.
line() {
  local mark=''
  [[ $3 == "$4"* && $3 == *"$5"* ]] || { mark='**WRONG** ' WRONG=$((WRONG + 1)); }
  printf '| %s | `%s` | %s%s |\n' "$1" "$2" "$mark" "${3//|/\\|}"
}

# The answer that decides: the first refusal, or else the one to the message. One that has several lines is one text.
decisive() {
  tr -d '\r' | sed -n 's/^<\([-~*]*\) *\([2-5][0-9][0-9]\)\([ -]\)\(.*\)$/\1|\2|\3|\4/p' | awk -F'|' '
    { text = $4; for (i = 5; i <= NF; i++) text = text "|" $i
      if (code == "") { code = $2; said = code " " text } else { sub(/^[245]\.[0-9]+\.[0-9]+ /, "", text); said = said " " text }
      refused = refused || $1 ~ /\*/
      if ($3 == " ") { last = said; if (refused && first == "") first = said; if (said ~ /Taken as/) taken = said; code = ""; refused = 0 } }
    END { print first != "" ? first : taken != "" ? taken : last }'
}

# row WHAT CODE WORDS WHO SWAKS-ARGUMENTS...
row() {
  local what=$1 code=$2 words=$3 who=$4
  shift 4
  (cd "$WORK" && swaks --config "$who" "$@") >"$WORK/swaks.log" 2>&1 || true
  line "$what" "swaks --config $who $(quoted "$@")" "$(decisive <"$WORK/swaks.log")" "$code" "$words"
}

# What has arrived for this person has this in it.
has() { grep -rqE --include='*.eml' "$2" "$WORK/arrived/$1" 2>/dev/null; }
# arrived PERSON PATTERN WHAT: waits for it.
arrived() { until_true 30 "$3" has "$1" "$2"; }
LINK='/i/[A-Za-z0-9]{26}'
# Begins with nothing.
fresh() { find "$WORK/arrived" -name '*.eml' -delete; }

configure
serve

section 'Four ways to invite'
fresh
row 'bare; colleagues get a copy without a link' 250 '1 person is invited' alex --to "$KIM,$BO,$INVITE" --h-Cc "$BO, $INVITE" --h-To $KIM
arrived $KIM $LINK 'a link for Kim'
arrived $BO '^Subject: test' 'a copy for Bo'
! has $BO $LINK || die 'the colleague has a link'
fresh
row 'bare; Cc and Bcc people get a link of their own' 250 '2 people are invited' alex --to "$KIM,$LEE,$INVITE" --h-To $KIM
arrived $KIM $LINK 'a link for Kim'
arrived $LEE $LINK 'a link for Lee'
! has $KIM lee@ || die 'a Bcc address is to be seen'
fresh
row tagged 250 '1 person is invited' alex --to invite+kim=partner.example@corp.example
arrived $KIM $LINK 'a link for Kim'
has $KIM "^To: $KIM" || die 'the tagged address stands in To'
fresh
row suffixed 250 '1 person is invited' alex --to $KIM.invite.corp.example
arrived $KIM $LINK 'a link for Kim'
has $KIM "^To: $KIM" || die 'the suffixed address stands in To'
fresh
row 'headers: the envelope holds only the invite address' 250 '1 person is invited' server --to $INVITE --h-To "$KIM, $INVITE"
arrived $KIM $LINK 'a link for Kim'
fresh
row 'no invite address: ordinary mail, relayed as it is' 250 'Taken as' alex --to $KIM
arrived $KIM '^This is a test mailing' 'the mail'
! has $KIM $LINK || die 'ordinary mail has a link'

section 'Wishes in the tag'
fresh
row 'a receipt' 250 '1 person is invited' alex --to $KIM,invite+receipt@corp.example
arrived $ALEX '^Subject: Receipt: ' 'the receipt'
fresh
row 'another lifetime' 250 '1 person is invited' alex --to $KIM,invite+30d@corp.example
arrived $KIM '30 days' '30 days'
fresh
row 'a language' 250 '1 person is invited' alex --to $KIM,invite+de@corp.example
arrived $KIM 'Sie wurden eingeladen' 'German words'
fresh
row 'a preview: nobody is invited' 250 'Taken as' alex --to $KIM,invite+preview@corp.example
arrived $ALEX 'message/rfc822' 'the preview'
! has $KIM . || die 'a preview has reached the invitee'
fresh
row 'several' 250 '1 person is invited' alex --to $KIM,invite+receipt+30d+de@corp.example
arrived $ALEX '^Subject: Receipt: ' 'the receipt'
arrived $KIM '30 Tage' '30 days in German'
row 'one that is not known' '550 5.1.3' 'quickly' alex --to $KIM,invite+quickly@corp.example
row 'a lifetime beyond the bounds' '550 5.1.3' 'between 1 and 90 days' alex --to $KIM,invite+91d@corp.example

section 'Never an invitation'
fresh
row 'null sender' '550 5.7.1' 'empty return path' server --from '<>' --h-From $ALEX --to $KIM,$INVITE
row Auto-Submitted '550 5.7.1' 'auto-replied' alex --to $KIM,$INVITE --header 'Auto-Submitted: auto-replied'
row 'Auto-Submitted: no is a person' 250 '1 person' alex --to $KIM,$INVITE --header 'Auto-Submitted: no'
row X-Auto-Response-Suppress '550 5.7.1' 'automatic' alex --to $KIM,$INVITE --header 'X-Auto-Response-Suppress: OOF'
row List-Id '550 5.7.1' 'List-ID' alex --to $KIM,$INVITE --header 'List-Id: <plans.corp.example>'
for word in bulk list junk; do
  row "Precedence: $word" '550 5.7.1' "$word" alex --to $KIM,$INVITE --header "Precedence: $word"
done
row 'our own invitation' '550 5.7.1' 'an invitation already' alex --to $KIM,$INVITE --header 'X-Postern-Loop: localhost'
{
  for hop in {1..31}; do echo "Received: from a.example by b.example; hop $hop"; done
  printf '%s\n' "From: $ALEX" "To: $KIM" 'Subject: Plans' '' 'Hello.'
} >"$WORK/loop.eml"
row 'more than 30 Received' '550 5.7.1' 'at most 30' alex --to $KIM,$INVITE --data @loop.eml
# An answer to one of these would be here before a mail that was sent behind them all.
(cd "$WORK" && swaks --config alex --silent 2 --to $LEE) >"$WORK/swaks.log" 2>&1 || die 'a mail was refused'
arrived $LEE '^This is a test mailing' 'the mail behind them'
! has $ALEX . || die 'an automatic mail was answered'

section 'Who cannot be invited'
row 'this person may not invite' '550 5.7.1' 'may not send invitations' bo --to $KIM,$INVITE
row 'another sender' '550 5.7.1' "$BO is not one of your addresses" alex --from $BO --to $KIM,$INVITE
row 'nobody outside' '550 5.1.3' 'nobody outside' alex --to $BO,$INVITE
row 'no address: syntax' '550 5.1.3' 'is not a mail address' alex --to "kim@partner..example,$INVITE"
row 'an address literal' '550 5.1.3' 'a host by its number' alex --to "kim@[192.0.2.7],$INVITE"
row 'more than 50' '550 5.5.3' 'at most 50' many
row 'no such domain' '550 5.1.2' 'nowhere.example does not exist' alex --to lee@nowhere.example,$INVITE
row 'one of two: nobody is invited' '550 5.1.2' 'nowhere.example does not exist' alex --to $KIM,lee@nowhere.example,$INVITE
row 'null MX' '550 5.1.2' 'takes no mail at all' alex --to mo@mute.example,$INVITE
row 'a blocked domain' '550 5.7.1' 'has blocked it' alex --to eve@eu.rival.example,$INVITE
row 'a typing error' '550 5.1.2' 'did you mean kim@gmail.com?' alex --to kim@gmial.com,$INVITE
row 'a colleague by tag, internal invitations off' '550 5.1.3' 'bo@corp.example' alex --to invite+bo=corp.example@corp.example
row 'a name server that is silent refuses nobody' 250 '1 person is invited' alex --to kim@silent.example,$INVITE
row 'nor does one that fails' 250 '1 person is invited' alex --to kim@broken.example,$INVITE

section 'What cannot be sent'
row 'no subject' '550 5.6.0' 'the subject is empty' alex --to $KIM,$INVITE --h-Subject ' '
row 'a subject over 256 characters' '550 5.6.0' 'at most 256' wordy --to $KIM,$INVITE
row 'no text' '550 5.6.0' 'has no text' alex --to $KIM,$INVITE --body ' '
row 'no text in the HTML either' '550 5.6.0' 'has no text' alex --to $KIM,$INVITE --header 'Content-Type: text/html' --body '<p>&nbsp;</p>'
row message/partial '550 5.6.1' 'message/partial' alex --to $KIM,$INVITE --header 'Content-Type: message/partial; id="a"; number=1'
row message/external-body '550 5.6.1' 'message/external-body' alex --to $KIM,$INVITE --header 'Content-Type: message/external-body; access-type=URL'
top() { printf '%s\n' "From: $ALEX" "To: $KIM" 'Subject: Plans' 'MIME-Version: 1.0' "Content-Type: multipart/mixed; boundary=b0" ''; }
{
  top
  for part in {1..101}; do printf -- '--b0\n\nHello %s\n' "$part"; done
  echo '--b0--'
} >"$WORK/parts.eml"
row 'over 100 parts' '550 5.6.1' 'more than 100 parts' alex --to $KIM,$INVITE --data @parts.eml
{
  top
  for depth in {1..21}; do printf -- '--b%s\nContent-Type: multipart/mixed; boundary=b%s\n\n' $((depth - 1)) "$depth"; done
  printf -- '--b21\n\nHello\n'
} >"$WORK/deep.eml"
row 'nested over 20' '550 5.6.1' 'more than 20 levels' alex --to $KIM,$INVITE --data @deep.eml

section 'The same on the web form'
web() { curl -sS --cacert "$WORK/ca.pem" -b "$WORK/cookies" -c "$WORK/cookies" "$@"; }
hidden() { grep -o "name=\"$1\" value=\"[^\"]*\"" | tail -n 1 | cut -d '"' -f 4; }
SITE=https://localhost:$WEB
FORM=$(web "$SITE/sign-in" | hidden form)
web -f -o /dev/null --data-urlencode "form=$FORM" --data-urlencode "address=$ALEX" --data-urlencode "password=$PASSWORD" "$SITE/sign-in"
web -f "$SITE/invite" >"$WORK/invite.html"
# form WHAT FIELD WORDS TO SUBJECT MESSAGE: what stands beside the field; the code is the page's. `<FILE` is what is in it.
form() {
  local code said fields=(--form-string "to=$4" -F "subject=$5" -F "message=$6")
  code=$(cd "$WORK" && web -o "$WORK/page.html" -w '%{http_code}' -F "form=$(hidden form <"$WORK/invite.html")" -F "once=$(hidden once <"$WORK/invite.html")" "${fields[@]}" "$SITE/invite")
  said=$(tr '\n' ' ' <"$WORK/page.html" | grep -o "id=\"$2-fault\">[^<]*" | cut -d '>' -f 2 | sed 's/&#x27;/'"'"'/g; s/&quot;/"/g; s/&lt;/</g; s/&gt;/>/g') || true
  line "$1" "curl -b cookies -F form=… -F once=… $(quoted "${fields[@]}") \$SITE/invite" "$code beside $2: $said" 422 "$3"
}
form 'To is empty' to 'enter the address' '' Plans Hello.
form 'Subject is empty' subject 'subject is empty' $KIM '' Hello.
form 'Message is empty' message 'has no text' $KIM Plans ''
form 'a semicolon' to "Please write: $KIM, $LEE" "$KIM; $LEE" Plans Hello.
form 'no address' to 'is not a mail address' kim Plans Hello.
form 'no such domain' to 'does not exist' lee@nowhere.example Plans Hello.
form 'a typing error' to 'did you mean kim@gmail.com?' kim@gmial.com Plans Hello.
form 'a subject over 256 characters' subject 'at most 256' $KIM '<long' Hello.
stop

section 'Switches'
serve POSTERN__INVITE__ENABLED=false
row 'invitations switched off' '550 5.7.1' 'switched off' alex --to $KIM,$INVITE
stop
serve POSTERN__INVITE__BLANK_SUBJECT=fill
row 'no subject, and one is filled in' 250 '1 person is invited' alex --to $KIM,$INVITE --h-Subject ' '
stop
serve POSTERN__INVITE__ALLOWED_DOMAINS=supplier.example
row 'not on the list of allowed domains' '550 5.7.1' 'not among the domains' alex --to $KIM,$INVITE
stop

section 'Limits of one inviter'
rm -rf "$WORK/state"
echo "$PASSWORD" | "$POSTERN" account add $ALEX --name Alex >/dev/null
serve POSTERN__INVITE__PER_DAY_TO_ONE=5
for time in 1 2 3 4 5; do
  (cd "$WORK" && swaks --config alex --silent 2 --to $KIM,$INVITE) >"$WORK/swaks.log" 2>&1 || die "invitation $time was refused"
done
row 'the same person a sixth time in a day' '450 4.7.1' 'kim@partner.example 5 times a day' alex --to $KIM,$INVITE
stop
fifty() { (cd "$WORK" && swaks --config alex --silent 2 --h-To $INVITE --to "$(printf "%s$1@partner.example," {1..50})$INVITE") >"$WORK/swaks.log" 2>&1 || die "refused: $(decisive <"$WORK/swaks.log")"; }
serve POSTERN__INVITE__PER_HOUR=100
fifty a
fifty b
row 'one after 100 in an hour' '450 4.7.1' 'you may invite 100 people an hour' alex --to $KIM,$INVITE
stop
serve POSTERN__INVITE__PER_DAY=500
for letter in c d e f g h i j; do fifty $letter; done # and the 100 before
row 'one after 500 in a day' '450 4.7.1' 'you may invite 500 people a day' alex --to $KIM,$INVITE

if [ "${1:-}" = --stay ]; then
  echo >&2 "The gateway runs: cd $WORK. Enter ends it."
  read -r
fi
stop
[ $WRONG = 0 ] || die "$WRONG answers are not as they should be"
