#!/usr/bin/env bash
# Real mail programs send an invitation through `postern demo`, each over STARTTLS and over implicit TLS, and what would
# have been delivered is looked at.
# usage: tests/clients/run.sh      $POSTERN: the program, if it is built already.
. "$(dirname "$0")/../outside.sh"
need swaks libnet-ssleay-perl curl mutt s-nail msmtp python3 jq git git-email libnet-smtp-ssl-perl libauthen-sasl-perl \
  default-jdk-headless libmail-java
command -v npm >/dev/null || need npm

start_demo
user=$(fact user) password=$(fact password) invite=$(fact invite) ca=$(fact ca)
submission=$(fact submission) submissions=$(fact submissions)
export HOME=$WORK # nobody's settings but ours

printf 'The plan itself.\n' >"$WORK/plan.txt"
text='Dear Kim, please send us the plans of the east wing.'

# What reached this person has the link, the text, and no invite address.
check() { # PROGRAM PERSON MODE
  mail_to "$2" >"$WORK/mail.eml"
  python3 - "$WORK/mail.eml" "$invite" "$1" <<'PYTHON' || die "what $1 sent did not arrive as an invitation"
import email, email.policy, re, sys
mail = email.message_from_binary_file(open(sys.argv[1], 'rb'), policy=email.policy.default)
texts = [part.get_content() for part in mail.walk() if part.get_content_maintype() == 'text' and not part.get_filename()]
assert texts, 'no text'
for text in texts:
    assert 'plans of the east wing' in ' '.join(text.split()), text
    assert re.search(r'https://[a-z0-9.:/-]+/i/[A-Za-z0-9]{26}', text), text
assert sys.argv[2] not in str(mail['to']) + str(mail['cc']) + str(mail['bcc']), 'the invite address is still there'
attached = [part.get_content() for part in mail.iter_attachments() if part.get_filename() == 'plan.txt']
if sys.argv[3] not in ('curl', 'git'):
    attached = [text if isinstance(text, str) else text.decode() for text in attached]
    assert [text.strip() for text in attached] == ['The plan itself.'], attached
PYTHON
  shown "$1 over $3 sent an invitation, and $2 got it with a link"
}

# Each program sends to an address of its own for each way; `$mode` is STARTTLS or TLS, `$port` where that is to be had.
with_swaks() {
  local secured=--tls
  [ "$mode" = STARTTLS ] || secured=--tls-on-connect
  swaks --silent 2 --server "localhost:$port" $secured --tls-ca-path "$ca" --tls-verify --auth-user "$user" \
    --auth-password "$password" --from "$user" --to "$person,$invite" --h-To "$person" --h-Cc "$invite" \
    --h-Subject 'The plans' --attach-type text/plain --attach-body "$text" --attach-name plan.txt --attach "@$WORK/plan.txt"
}

with_curl() {
  local scheme=smtp
  [ "$mode" = STARTTLS ] || scheme=smtps
  printf '%s\r\n' "From: $user" "To: $person" "Cc: $invite" 'Subject: The plans' '' "$text" |
    curl -fsS --ssl-reqd --cacert "$ca" --url "$scheme://localhost:$port" --user "$user:$password" --mail-from "$user" \
      --mail-rcpt "$person" --mail-rcpt "$invite" --upload-file -
}

with_mutt() {
  local scheme=smtp
  [ "$mode" = STARTTLS ] || scheme=smtps
  cat >"$WORK/muttrc" <<CONF
set from = "$user"
set use_from = yes
set realname = "Alex Doe"
set smtp_url = "$scheme://$user@localhost:$port/"
set smtp_pass = "$password"
set smtp_authenticators = "plain"
set ssl_starttls = yes
set ssl_force_tls = yes
set ssl_ca_certificates_file = "$ca"
set copy = no
CONF
  mutt -n -F "$WORK/muttrc" -s 'The plans' -c "$invite" -a "$WORK/plan.txt" -- "$person" <<<"$text"
}

with_s-nail() {
  local scheme=smtp options=(-S smtp-use-starttls)
  [ "$mode" = STARTTLS ] || { scheme=smtps options=(); }
  s-nail -:/ -S v15-compat -S "mta=$scheme://${user/@/%40}:$password@localhost:$port" "${options[@]}" \
    -S smtp-auth=plain -S "tls-ca-file=$ca" -S tls-ca-no-defaults -S tls-verify=strict -S "from=$user" \
    -s 'The plans' -c "$invite" -a "$WORK/plan.txt" "$person" <<<"$text"
}

# A file that somebody composed, as scripts do.
with_msmtp() {
  local starttls=on
  [ "$mode" = STARTTLS ] || starttls=off
  {
    printf '%s\n' "From: Alex Doe <$user>" "To: $person" "Cc: $invite" 'Subject: The plans' 'MIME-Version: 1.0' \
      'Content-Type: multipart/mixed; boundary="=_plans"' '' '--=_plans' 'Content-Type: text/plain; charset=utf-8' '' \
      "$text" '--=_plans' 'Content-Type: text/plain; name=plan.txt' 'Content-Disposition: attachment; filename=plan.txt' ''
    cat "$WORK/plan.txt"
    printf '%s\n' '--=_plans--'
  } | msmtp --file=/dev/null --host=localhost --port="$port" --tls=on --tls-starttls=$starttls --tls-trust-file="$ca" \
    --auth=plain --user="$user" --passwordeval="printf '%s' '$password'" --from="$user" -t
}

with_smtplib() {
  python3 - "$user" "$password" "$invite" "$ca" "$port" "$text" "$WORK/plan.txt" "$person" "$mode" <<'PYTHON'
import smtplib, ssl, sys
from email.message import EmailMessage
user, password, invite, ca, port, text, plan, person, mode = sys.argv[1:]
mail = EmailMessage()
mail['From'], mail['To'], mail['Bcc'], mail['Subject'] = user, f'Pia Größe <{person}>', invite, 'Pläne'
mail.set_content(text)
mail.add_alternative(f'<html><body><p>{text}</p></body></html>', subtype='html')
mail.add_attachment(open(plan).read(), filename='plan.txt')
context = ssl.create_default_context(cafile=ca)
implicit = mode == 'TLS'
with smtplib.SMTP_SSL('localhost', port, context=context) if implicit else smtplib.SMTP('localhost', port) as server:
    if not implicit:
        server.starttls(context=context)
    server.login(user, password)
    server.send_message(mail)
PYTHON
}

with_nodemailer() {
  (cd "$WORK/nodemailer" && node - "$user" "$password" "$invite" "$ca" "$port" "$text" "$WORK/plan.txt" "$person" "$mode") <<'NODE'
const [user, pass, invite, ca, port, text, plan, person, mode] = process.argv.slice(2);
const fs = require('fs');
const tls = {ca: fs.readFileSync(ca), servername: 'localhost'};
const secure = mode === 'TLS';
require('nodemailer')
  .createTransport({host: 'localhost', port: Number(port), secure, requireTLS: !secure, tls, auth: {user, pass}})
  .sendMail({
    from: {name: 'Alex Doe', address: user}, to: person, cc: invite, subject: 'Pläne', text,
    html: `<p>${text}</p>`, attachments: [{path: plan}],
  })
  .catch((error) => { console.error(error); process.exit(1); });
NODE
}

with_javamail() {
  java -cp "/usr/share/java/javax.mail.jar:/usr/share/java/javax.activation.jar" "$WORK/Send.java" \
    "$user" "$password" "$invite" "$WORK/trust.p12" "$port" "$text" "$WORK/plan.txt" "$person" "$mode"
}

# A commit's text is the invitation; what git makes of it is a patch inside the mail.
with_git() {
  local encryption=tls
  [ "$mode" = STARTTLS ] || encryption=ssl
  (
    cd "$WORK/repository"
    PATH=/usr/bin:$PATH git -c "user.name=Alex Doe" -c "user.email=$user" send-email --quiet --confirm=never \
      --from="$user" --to="$person" --cc="$invite" --suppress-cc=all --smtp-server=localhost --smtp-server-port="$port" \
      --smtp-encryption=$encryption --smtp-ssl-cert-path="$ca" --smtp-user="$user" --smtp-pass="$password" -1
  )
}

prepare() {
  mkdir -p "$WORK/nodemailer" "$WORK/repository"
  (cd "$WORK/nodemailer" && npm install --silent --no-fund --no-audit nodemailer@10.6.1) || die 'no nodemailer'
  cat >"$WORK/Send.java" <<'JAVA'
import java.util.Properties;
import javax.mail.*;
import javax.mail.internet.*;

class Send {
    public static void main(String[] args) throws Exception {
        boolean implicit = args[8].equals("TLS");
        Properties settings = new Properties();
        settings.put("mail.transport.protocol", implicit ? "smtps" : "smtp");
        for (String protocol : new String[] {"mail.smtp.", "mail.smtps."}) {
            settings.put(protocol + "host", "localhost");
            settings.put(protocol + "port", args[4]);
            settings.put(protocol + "auth", "true");
            settings.put(protocol + "ssl.checkserveridentity", "true");
        }
        settings.put("mail.smtp.starttls.required", "true");
        settings.put("mail.smtp.starttls.enable", "true");
        System.setProperty("javax.net.ssl.trustStore", args[3]);
        System.setProperty("javax.net.ssl.trustStorePassword", "changeit");
        Session session = Session.getInstance(settings);
        MimeMessage mail = new MimeMessage(session);
        mail.setFrom(new InternetAddress(args[0], "Alex Doe"));
        mail.setRecipients(Message.RecipientType.TO, args[7]);
        mail.setRecipients(Message.RecipientType.CC, args[2]);
        mail.setSubject("Pläne", "utf-8");
        MimeBodyPart text = new MimeBodyPart(), plan = new MimeBodyPart();
        text.setText(args[5], "utf-8");
        plan.attachFile(args[6]);
        mail.setContent(new MimeMultipart(text, plan));
        try (Transport transport = session.getTransport()) {
            transport.connect(args[0], args[1]);
            mail.saveChanges();
            transport.sendMessage(mail, mail.getAllRecipients());
        }
    }
}
JAVA
  keytool -importcert -noprompt -alias demo -file "$ca" -keystore "$WORK/trust.p12" -storetype PKCS12 \
    -storepass changeit
  git init -q "$WORK/repository"
  cp "$WORK/plan.txt" "$WORK/repository"
  git -C "$WORK/repository" add plan.txt
  git -C "$WORK/repository" -c "user.name=Alex Doe" -c "user.email=$user" commit -q -m 'The plans' -m "$text"
}

prepare >"$WORK/prepare.log" 2>&1
for mode in STARTTLS TLS; do
  port=${submission#*:}
  [ $mode = STARTTLS ] || port=${submissions#*:}
  for program in swaks curl mutt s-nail msmtp smtplib nodemailer javamail git; do
    person=$program-${mode,,}@partner.example
    "with_$program" >"$WORK/$program.log" 2>&1 || die "$program was refused over $mode"
    check $program "$person" $mode
  done
done

kill -TERM "$DEMO"
wait "$DEMO" || die 'postern did not stop cleanly'
shown 'postern stopped cleanly'
