#!/bin/sh
# 100 uploads at once through the flow of drop-offs, against as many plain files written and synced: time, and the peak of
# memory, which must stay under 150 MB. UPLOAD_MIB is the size of each (default 8); the disk needs 200 times that.
set -eu
cd "$(dirname "$0")/../.."
exec cargo test --locked "$@" --lib -- --ignored --exact --nocapture \
    dropoff::tests::uploads::a_hundred_uploads_at_once_take_little_memory
