#!/usr/bin/env bash
# Pictures of every page and notice, as their samples make them, and of invitations made from mails as Outlook, Apple
# Mail and a plain program write them: on a phone and on a desk, light and dark. For people to look at:
#
#     tests/look/run.sh DIRECTORY [PATTERN]
#
# PATTERN chooses some of them by name: 'mail-*', 'de-page-*', 'page-sign-in-full'. Languages but English have their
# code in front.
#
# Needs Chromium (Debian: apt-get install chromium).
set -euo pipefail

out=${1:?usage: tests/look/run.sh DIRECTORY [PATTERN]}
only=${2:-*}
here=$(cd "$(dirname "$0")" && pwd)
mkdir -p "$out"
out=$(cd "$out" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

browser=$(command -v chromium || command -v chromium-browser) || { echo "chromium is not installed" >&2; exit 1; }

cd "$here/../.."
LOOK_DIR=$work cargo test --quiet --lib template::vocabulary::tests::write_the_samples -- --ignored >/dev/null
LOOK_DIR=$work cargo test --quiet --test stories mails_to_look_at -- --ignored >/dev/null
cd "$work"

# The pages name their sheet, script and logo from the root; here they lie beside them.
sed -i -e 's#"/style.css"#"style.css"#; s#"/postern.js"#"postern.js"#; s#"/logo.svg"#"logo.svg"#g; /http-equiv="refresh"/d' \
    ./*page-*.html
# The blocks of an invitation are seen in the mails that they were put into.
rm -f -- *mail-invitation-* *mail-layout-* *mail-button-*

# Headless Chromium has no window narrower than 500 pixels: a frame of a phone's width stands in for one.
# "forced" is what programs do that turn the colours of every mail around, asked or not.
shoot() { # FILE WIDTH HEIGHT light|dark|forced NAME
    local scheme=1 forced=()
    [ "$4" = dark ] && scheme=0
    [ "$4" = forced ] && forced=(--enable-features=WebContentsForceDark)
    printf '<!doctype html><body style="margin:0"><iframe src="%s" style="border:0;width:%spx;height:%spx">' \
        "$1" "$2" "$3" >frame.html
    "$browser" --headless --no-sandbox --disable-gpu --disable-quic --no-first-run \
        --disable-background-networking --disable-component-update --disable-sync --hide-scrollbars \
        --allow-file-access-from-files --blink-settings=preferredColorScheme=$scheme \
        "${forced[@]}" --user-data-dir="$work/profile-$4" --window-size="$(($2 < 500 ? 500 : $2)),$3" \
        --screenshot="$out/$5.png" "file://$work/frame.html" >/dev/null 2>&1
    echo "$out/$5.png"
}

for file in *mail-*.html *page-*.html; do
    name=${file%.html}
    case $name in
    $only) ;;
    *) continue ;;
    esac
    for scheme in light dark; do
        shoot "$file" 360 900 $scheme "$name-phone-$scheme"
        shoot "$file" 1100 900 $scheme "$name-desk-$scheme"
    done
    case $name in *mail-*) shoot "$file" 1100 900 forced "$name-desk-forced" ;; esac
done
