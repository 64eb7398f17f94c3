#!/usr/bin/env bash
# Complete sign-ins and sign-outs through a real identity provider (SimpleSAMLphp) in a real browser (Chromium), with pictures.
# usage: tests/saml/real.sh DIRECTORY      $POSTERN: a program that was built with --features saml, if there is one.
. "$(dirname "$0")/../outside.sh"
. "$(dirname "$0")/idp.sh"
. "$(dirname "$0")/browser.sh"
OUT=$(realpath -m "${1:?where to put the pictures}")
mkdir -p "$OUT"
[ -n "${POSTERN:-}" ] || {
  (cd "$ROOT" && cargo build --locked --quiet --features saml --bin postern)
  POSTERN=${CARGO_TARGET_DIR:-$ROOT/target}/debug/postern
}

certificate "$WORK/web" localhost portal.corp.example postern.corp.example
certificate "$WORK/seal" postern.corp.example
start_idp
PORT=$(free_port)
PORTAL=https://portal.corp.example:$PORT
cat >"$WORK/postern.toml" <<TOML
[server]
hostname = "postern.corp.example"
certificate = "web.crt"
key = "web.key"
[organisation]
name = "Corp Example"
domains = ["corp.example"]
[storage]
directory = "state"
reserve = "0 MiB"
[web]
address = "127.0.0.1:$PORT"
public_url = "$PORTAL"
[[listener]]
address = "127.0.0.1:$(free_port)"
role = "submission"
tls = "starttls"
[[relay.smarthost]]
host = "127.0.0.1"
[[saml]]
name = "idp"
label = "Sign in at Corp Example"
metadata = "idp.xml"
key_file = "seal.key"
certificate_file = "seal.crt"
[saml.rights]
invite = ["inviters"]
admin = ["portal-admins"]
TOML
"$POSTERN" serve --config "$WORK/postern.toml" >"$WORK/postern.log" 2>&1 &
STARTED+=($!)
curl_portal() { curl -sS --resolve "portal.corp.example:$PORT:127.0.0.1" --cacert "$WORK/web.crt" "$@"; }
until_true 30 'the portal' curl_portal -f -o "$WORK/idp/portal.xml" "$PORTAL/saml/metadata"
shown "the portal's metadata are read by SimpleSAMLphp: $(grep -o 'entityID="[^"]*"' "$WORK/idp/portal.xml")"

"$POSTERN" check --config "$WORK/postern.toml" >"$WORK/check.txt" 2>&1 || true
grep -qF "$IDP/idp can be asked" "$WORK/check.txt" || die "postern check has nothing good to say"
shown "postern check reads the metadata of the provider"

at() { [[ $(address) == $1* ]]; }
says() { text | grep -qF "$1"; }

# sign_in NAME: from the portal's page to the provider's answer.
sign_in() {
  go "$PORTAL/sign-in"
  [ -z "${PICTURES:-}" ] || picture 1-sign-in
  press 'form[action="/saml/idp"] button'
  until_true 20 "the provider's page" at "$IDP/"
  enter 'input[name=username]' "$1"
  enter 'input[name=password]' "$IDP_PASSWORD"
  [ -z "${PICTURES:-}" ] || picture 2-provider
  press 'button[type=submit], input[type=submit], #submit_button'
  until_true 20 'the way back' at "$PORTAL/"
}

start_browser
PICTURES=1 sign_in alice
until_true 20 'Alice on the portal' says 'Alice Müller'
at "$PORTAL/invitations" || die "Alice is at $(address)"
picture 3-signed-in
shown 'Alice comes back signed in'
grep -F 'signed in' "$WORK/postern.log" | grep -qF 'face="saml"' || die 'no line in the audit log'
run 'return document.cookie' | grep -q . && die 'a script can read a cookie'

# Out from here: the portal's signed word is taken there, and the answer comes back.
press 'form[action="/sign-out"] button'
until_true 20 'the answer to the sign-out' says 'You are signed out here and at your organisation.'
picture 4-signed-out
go "$PORTAL/sign-in"
press 'form[action="/saml/idp"] button'
until_true 20 'the password asked for again' says 'Password'
shown 'signing out on the portal signs out at the provider, which asks for the password again'

# Out from there: the provider's word ends the session here.
end_browser
start_browser
sign_in alice
until_true 20 'Alice on the portal again' says 'Alice Müller'
go "$IDP/simplesaml/saml2/idp/SingleLogoutService.php?ReturnTo=$IDP/simplesaml/module.php/core/frontpage_welcome.php"
until_true 20 'the end of the session' grep -qF 'signed out at the provider' "$WORK/postern.log"
until_true 20 'our answer, taken there' at "$IDP/simplesaml/module.php/core/"
go "$PORTAL/invitations"
until_true 10 'the way in' at "$PORTAL/sign-in"
shown "signing out at the provider ends the portal's session"

# Somebody who is known there, and not here.
end_browser
start_browser
sign_in eve
until_true 20 'the refusal' says 'There is no access for you here'
picture 5-no-access
reference=$(text | grep -o 'Reference [0-9a-z]*' | cut -d' ' -f2)
grep -F "$reference" "$WORK/postern.log" | grep -qF 'in no domain that this provider vouches for' ||
  die 'the reference is not in the audit log'
shown "an address of another organisation has no access, and the audit log says why under $reference"

# Another browser's answer (login CSRF): as the provider would send it to somebody who has asked nothing.
code=$(curl_portal -o "$WORK/stranger.html" -w '%{http_code}' -H 'Sec-Fetch-Site: cross-site' \
  --data-urlencode "SAMLResponse=$(base64 -w0 <"$WORK/idp.xml")" "$PORTAL/saml/acs")
[ "$code" = 403 ] && grep -qF 'Please sign in once more' "$WORK/stranger.html" || die "an answer to nothing: $code"
shown 'an answer to a browser that has asked nothing is refused'
end_browser
