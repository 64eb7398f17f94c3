#!/usr/bin/env bash
# Pictures of every built-in page and of the invitation's blocks, as their samples make them, on a phone and on a
# desk, light and dark. For people to look at: tests/look/run.sh DIRECTORY
#
# Needs Chromium (Debian: apt-get install chromium).
set -euo pipefail

out=${1:?usage: tests/look/run.sh DIRECTORY}
here=$(cd "$(dirname "$0")" && pwd)
mkdir -p "$out"
out=$(cd "$out" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

browser=$(command -v chromium || command -v chromium-browser) || { echo "chromium is not installed" >&2; exit 1; }

cd "$here/../.."
LOOK_DIR=$work cargo test --quiet --lib template::vocabulary::tests::write_the_samples -- --ignored >/dev/null
cd "$work"

# The pages name their sheet and logo from the root; here they lie beside them.
sed -i -e 's#"/style.css"#"style.css"#; s#"/logo.svg"#"logo.svg"#g; /http-equiv="refresh"/d' page-*.html

# The blocks around a mail as Outlook writes it.
top=mail-invitation-top-full.html
bottom=mail-invitation-bottom-full.html
{
    sed '/@@TOP@@/,$d' "$here/outlook.html"
    cat "$top"
    sed '1,/@@TOP@@/d; /@@BOTTOM@@/,$d' "$here/outlook.html"
    cat "$bottom"
    sed '1,/@@BOTTOM@@/d' "$here/outlook.html"
} >page-mail.html
rm mail-*

# Headless Chromium has no window narrower than 500 pixels: a frame of a phone's width stands in for one.
shoot() { # FILE WIDTH HEIGHT light|dark NAME
    local scheme=1
    [ "$4" = dark ] && scheme=0
    printf '<!doctype html><body style="margin:0"><iframe src="%s" style="border:0;width:%spx;height:%spx">' \
        "$1" "$2" "$3" >frame.html
    "$browser" --headless --no-sandbox --disable-gpu --disable-quic --no-first-run \
        --disable-background-networking --disable-component-update --disable-sync --hide-scrollbars \
        --allow-file-access-from-files --blink-settings=preferredColorScheme=$scheme \
        --user-data-dir="$work/profile" --window-size="$(($2 < 500 ? 500 : $2)),$3" \
        --screenshot="$out/$5.png" "file://$work/frame.html" >/dev/null 2>&1
    echo "$out/$5.png"
}

for page in page-*.html; do
    name=${page#page-}
    name=${name%.html}
    shoot "$page" 320 900 light "$name-phone-light"
    shoot "$page" 1100 900 light "$name-desk-light"
    shoot "$page" 320 900 dark "$name-phone-dark"
    shoot "$page" 1100 900 dark "$name-desk-dark"
done
