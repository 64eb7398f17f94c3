#!/usr/bin/env bash
# Pulls the plug on the store: tests/power_cut/run.sh ROUNDS
set -euo pipefail
cd "$(dirname "$0")/../.."
POWER_CUT_ROUNDS="${1:?how many rounds?}" cargo test --locked --test power_cut -- --nocapture
