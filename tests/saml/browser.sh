# A real browser, driven by WebDriver (W3C). To be sourced after ../outside.sh.

start_browser() {
  need chromium chromium-driver curl jq
  local port arguments
  port=$(free_port)
  chromedriver --port="$port" --allowed-ips=127.0.0.1 >"$WORK/driver.log" 2>&1 &
  STARTED+=($!)
  until_true 20 'chromedriver' curl -fsS "http://127.0.0.1:$port/status"
  DRIVER=http://127.0.0.1:$port
  arguments=$(jq -nc --arg profile "$WORK/profile" '["--headless=new", "--no-sandbox", "--disable-gpu",
    "--disable-dev-shm-usage", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--window-size=900,900", "--host-resolver-rules=MAP portal.corp.example 127.0.0.1", "--lang=en"]')
  # The certificates are of the test's own making.
  SESSION=$(jq -nc --argjson args "$arguments" '{capabilities: {alwaysMatch: {acceptInsecureCerts: true,
    "goog:chromeOptions": {args: $args}}}}' | ask POST "$DRIVER/session" | jq -er .value.sessionId)
  TAB=$DRIVER/session/$SESSION
}

end_browser() { ask DELETE "$TAB" </dev/null >"$WORK/ended.json"; }

# ask METHOD URL, with the body on the standard input.
ask() { curl -sS --max-time 60 -X "$1" -H 'Content-Type: application/json' --data-binary @- "$2"; }

go() { jq -nc --arg url "$1" '{url: $url}' | ask POST "$TAB/url" >"$WORK/went.json"; }

address() { curl -sS "$TAB/url" | jq -er .value; }

text() { run 'return document.body.innerText'; }

# run SCRIPT: in the page; prints what it returns.
run() {
  jq -nc --arg script "$1" '{script: $script, args: []}' | ask POST "$TAB/execute/sync" | jq -r .value
}

# element SELECTOR: its identifier.
element() {
  jq -nc --arg css "$1" '{using: "css selector", value: $css}' | ask POST "$TAB/element" |
    jq -er '.value["element-6066-11e4-a52e-4f735466cecf"]'
}

press() { echo '{}' | ask POST "$TAB/element/$(element "$1")/click" >"$WORK/pressed.json"; }

enter() { jq -nc --arg text "$2" '{text: $text}' | ask POST "$TAB/element/$(element "$1")/value" >"$WORK/typed.json"; }

picture() {
  curl -sS "$TAB/screenshot" | jq -er .value | base64 -d >"$OUT/$1.png"
  shown "$OUT/$1.png"
}
