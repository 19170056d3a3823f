#!/bin/sh
# Copies the interfaces our world names out of the spin-sdk crate that Cargo.lock pins, byte for byte.
#
#   wit/vendor.sh           refresh wit/deps
#   wit/vendor.sh --check   say what differs and fail if anything does (for CI)
set -eu

# The release the interfaces were read from. A newer one is a decision: components and hosts must agree on it.
pinned=7.0.0

here=$(cd "$(dirname "$0")" && pwd)
manifest=$(cargo metadata --format-version 1 --locked --manifest-path "$here/../Cargo.toml" |
  grep -o '"manifest_path":"[^"]*/spin-sdk-[0-9][^"]*/Cargo.toml"' | head -n 1 | cut -d '"' -f 4)
case $manifest in
  */spin-sdk-"$pinned"/Cargo.toml) ;;
  *)
    echo "expected spin-sdk $pinned among the workspace's packages, found '${manifest:-none}'" >&2
    exit 1
    ;;
esac
source=$(dirname "$manifest")/wit/deps

fresh=$(mktemp -d)
trap 'rm -rf "$fresh"' EXIT
# The crate names this folder after a date; here every folder is <namespace>-<package>@<version>.
cp -R "$source/spin-key-value@3.0.0" "$source/spin-variables@3.0.0" "$fresh"
cp -R "$source/wasi-keyvalue-2024-10-17" "$fresh/wasi-keyvalue@0.2.0-draft2"

if [ "${1:-}" = --check ]; then
  diff -r "$fresh" "$here/deps" || {
    echo "wit/deps is not what wit/vendor.sh makes" >&2
    exit 1
  }
else
  rm -rf "$here/deps"
  mkdir "$here/deps"
  cp -R "$fresh"/. "$here/deps"
fi
