#!/usr/bin/env bash
# Installs the Debian packages with which `cargo test` can try everything. Without them it runs all the same, and says
# what it skips. Needs root, or sudo without a password; says which packages it could not install.
# usage: tests/services/install.sh
set -euo pipefail

packages=(
  # the feature saml: signatures in XML
  libxmlsec1-dev libxmlsec1-openssl libclang-dev libssl-dev pkg-config
  # tests/directory: an OpenLDAP server and its tools
  slapd ldap-utils
  # tests/directory: a domain controller of Active Directory's kind
  samba samba-ad-provision samba-dsdb-modules samba-vfs-modules
  # tests/browser and tests/saml: a browser; an identity provider to sign in with
  chromium chromium-driver simplesamlphp apache2-bin libapache2-mod-php php-xml php-mbstring media-types jq
)
# tests/browser: what drives it. Debian's npm brings much along; one from elsewhere does as well.
command -v node >/dev/null || packages+=(nodejs)
command -v npm >/dev/null || packages+=(npm)

missing=()
for package in "${packages[@]}"; do
  dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || missing+=("$package")
done
if [ ${#missing[@]} = 0 ]; then
  echo 'Everything is installed.'
  exit 0
fi

if [ "$(id -u)" = 0 ]; then
  as_root=()
elif sudo -n true 2>/dev/null; then
  as_root=(sudo)
else
  echo "This needs root. Please install by hand: ${missing[*]}" >&2
  exit 1
fi

# The packages would start servers of their own on the usual ports; the tests start theirs themselves.
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
  printf '#!/bin/sh\nexit 101\n' | "${as_root[@]}" tee "$policy" >/dev/null
  "${as_root[@]}" chmod 755 "$policy"
  trap '"${as_root[@]}" rm -f "$policy"' EXIT
fi

apt=("${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -y -q -o DPkg::Lock::Timeout=600)
"${apt[@]}" update
failed=()
for package in "${missing[@]}"; do
  "${apt[@]}" install --no-install-recommends "$package" || failed+=("$package")
done
if [ ${#failed[@]} != 0 ]; then
  echo "These could not be installed, and what needs them will be skipped: ${failed[*]}" >&2
  exit 1
fi
echo "Installed: ${missing[*]}"
