#!/usr/bin/env bash
# Real mail programs send an invitation through `postern demo`, and what would have been delivered is looked at.
# usage: tests/clients/run.sh      $POSTERN: the program, if it is built already.
. "$(dirname "$0")/../outside.sh"
need swaks libnet-ssleay-perl curl mutt s-nail python3 jq

start_demo
user=$(fact user) password=$(fact password) invite=$(fact invite) ca=$(fact ca)
submission=$(fact submission) submissions=$(fact submissions)
export HOME=$WORK # nobody's settings but ours

printf 'The plan itself.\n' >"$WORK/plan.txt"
text='Dear Kim, please send us the plans of the east wing.'

# What reached this person has the link, the text, and no invite address.
check() { # PROGRAM PERSON
  mail_to "$2" >"$WORK/mail.eml"
  python3 - "$WORK/mail.eml" "$invite" "$1" <<'PYTHON' || die "what $1 sent did not arrive as an invitation"
import email, email.policy, re, sys
mail = email.message_from_binary_file(open(sys.argv[1], 'rb'), policy=email.policy.default)
texts = [part.get_content() for part in mail.walk() if part.get_content_maintype() == 'text' and not part.get_filename()]
assert texts, 'no text'
for text in texts:
    assert 'plans of the east wing' in ' '.join(text.split()), text
    assert re.search(r'https://[a-z0-9.:/-]+/i/[A-Za-z0-9]{26}', text), text
assert sys.argv[2] not in str(mail['to']) + str(mail['cc']), 'the invite address is still there'
attached = [part.get_content() for part in mail.iter_attachments() if part.get_filename() == 'plan.txt']
if sys.argv[3] != 'curl':
    attached = [text if isinstance(text, str) else text.decode() for text in attached]
    assert [text.strip() for text in attached] == ['The plan itself.'], attached
PYTHON
  shown "$1 sent an invitation, and $2 got it with a link"
}

swaks --silent 2 --server "$submission" --tls --tls-ca-path "$ca" --auth-user "$user" --auth-password "$password" \
  --from "$user" --to "swaks@partner.example,$invite" --h-To swaks@partner.example --h-Cc "$invite" \
  --h-Subject 'The plans' --attach-type text/plain --attach-body "$text" --attach-name plan.txt --attach "@$WORK/plan.txt" \
  >"$WORK/swaks.log" 2>&1 || die 'swaks was refused'
check swaks swaks@partner.example

printf '%s\r\n' "From: $user" 'To: curl@partner.example' "Cc: $invite" 'Subject: The plans' '' "$text" |
  curl -fsS --ssl-reqd --cacert "$ca" --url "smtp://$submission" --user "$user:$password" --mail-from "$user" \
    --mail-rcpt curl@partner.example --mail-rcpt "$invite" --upload-file - || die 'curl was refused'
check curl curl@partner.example

cat >"$WORK/muttrc" <<CONF
set from = "$user"
set use_from = yes
set realname = "Alex Doe"
set smtp_url = "smtp://$user@localhost:${submission#*:}/"
set smtp_pass = "$password"
set smtp_authenticators = "plain"
set ssl_starttls = yes
set ssl_force_tls = yes
set ssl_ca_certificates_file = "$ca"
set copy = no
CONF
mutt -n -F "$WORK/muttrc" -s 'The plans' -c "$invite" -a "$WORK/plan.txt" -- mutt@partner.example <<<"$text" \
  >"$WORK/mutt.log" 2>&1 || die 'mutt was refused'
check mutt mutt@partner.example

s-nail -:/ -S v15-compat -S "mta=smtp://${user/@/%40}:$password@localhost:${submission#*:}" -S smtp-use-starttls \
  -S smtp-auth=plain -S "tls-ca-file=$ca" -S tls-ca-no-defaults -S tls-verify=strict -S "from=$user" \
  -s 'The plans' -c "$invite" -a "$WORK/plan.txt" s-nail@partner.example <<<"$text" >"$WORK/s-nail.log" 2>&1 ||
  die 's-nail was refused'
check s-nail s-nail@partner.example

python3 - "$user" "$password" "$invite" "$ca" "${submissions#*:}" "$text" "$WORK/plan.txt" <<'PYTHON' || die 'smtplib was refused'
import smtplib, ssl, sys
from email.message import EmailMessage
user, password, invite, ca, port, text, plan = sys.argv[1:]
mail = EmailMessage()
mail['From'], mail['To'], mail['Bcc'], mail['Subject'] = user, 'Pia Größe <python@partner.example>', invite, 'Pläne'
mail.set_content(text)
mail.add_alternative(f'<html><body><p>{text}</p></body></html>', subtype='html')
mail.add_attachment(open(plan).read(), filename='plan.txt')
with smtplib.SMTP_SSL('localhost', int(port), context=ssl.create_default_context(cafile=ca)) as server:
    server.login(user, password)
    server.send_message(mail)
PYTHON
check smtplib python@partner.example

kill -TERM "$DEMO"
wait "$DEMO" || die 'postern did not stop cleanly'
shown 'postern stopped cleanly'
