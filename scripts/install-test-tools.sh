#!/usr/bin/env bash
# Installs what the tests against real parts need: Postfix, Exim, OpenDKIM, OpenDMARC, BIND, dnsdist and Chromium from Debian's
# packages, and Microsoft's SDKs, standardwebhooks, dkimpy and playwright-core from their registries, below target/test-tools. Running it
# again installs only what is missing. Nothing is started, and no service is left running.
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/.."
tools=target/test-tools

say() { printf 'test tools: %s\n' "$*"; }
give_up() {
  printf 'test tools: %s\n' "$*" >&2
  exit 1
}

as_root() {
  if [ "$(id -u)" -eq 0 ]; then
    "$@"
  elif command -v sudo >/dev/null; then
    sudo "$@"
  else
    give_up "expected root or sudo to run: $*"
  fi
}

installed() { dpkg-query --show --showformat='${db:Status-Status}' "$1" 2>/dev/null | grep -qx installed; }

# A package's own service would take its port, and containers have no service manager to refuse with.
policy=/usr/sbin/policy-rc.d
allow_services_again() { as_root rm -f "$policy"; }

install_quietly() {
  if [ ! -e "$policy" ]; then
    trap allow_services_again EXIT
    printf '#!/bin/sh\nexit 101\n' | as_root tee "$policy" >/dev/null
    as_root chmod 755 "$policy"
  fi
  as_root env DEBIAN_FRONTEND=noninteractive apt-get install --yes --no-install-recommends "$@"
}

debian_packages() {
  local package missing=()
  command -v dpkg-query >/dev/null ||
    give_up "expected Debian or a system like it; elsewhere install postfix, opendkim, opendmarc, libresolv-wrapper, bind9, dnsdist, chromium, curl, libnss-wrapper, nodejs, npm and python3 with venv by hand"
  for package in "$@"; do
    installed "$package" || missing+=("$package")
  done
  # Node.js and Python from anywhere will do.
  if ! { command -v node && command -v npm; } >/dev/null; then missing+=(nodejs npm); fi
  if ! python3 -c 'import ensurepip, venv' 2>/dev/null; then missing+=(python3 python3-venv); fi
  if [ ${#missing[@]} -eq 0 ]; then
    say "Debian packages are there"
    return
  fi
  say "installing from Debian: ${missing[*]}"
  as_root apt-get update --quiet || give_up "apt-get update failed: Debian's packages need a package mirror"
  install_quietly "${missing[@]}" || give_up "apt-get could not install: ${missing[*]}"
}

# A folder is finished when it holds a copy of the list it was made from.
up_to_date() { cmp --silent "$1" "$2"; }

python_environment() {
  local version=$1 list=tests/real/python/requirements-$1.txt folder=$tools/py-$1
  if up_to_date "$list" "$folder/installed.txt"; then
    say "Python environment for SDK $version is there"
    return
  fi
  say "making a Python environment for SDK $version"
  rm -rf "$folder"
  python3 -m venv "$folder" || give_up "python3 -m venv failed: install python3-venv"
  "$folder/bin/pip" install --quiet --disable-pip-version-check --requirement "$list" ||
    give_up "pip could not install $list: the Python package index is needed once"
  cp "$list" "$folder/installed.txt"
}

node_packages() {
  node -e 'process.exit(parseInt(process.versions.node) >= 20 ? 0 : 1)' ||
    give_up "expected Node.js 20 or newer, found $(node --version)"
  local folder=$tools/node lock=tests/real/node/package-lock.json
  if up_to_date "$lock" "$folder/installed.json"; then
    say "Node packages are there"
    return
  fi
  say "installing Node packages"
  rm -rf "$folder"
  mkdir -p "$folder"
  cp tests/real/node/package.json "$lock" "$folder/"
  npm ci --prefix "$folder" --no-audit --no-fund --ignore-scripts --loglevel=error ||
    give_up "npm could not install $lock: the npm registry is needed once"
  cp "$lock" "$folder/installed.json"
}

# Unpacked, since an MTA that is installed takes the place of the one before. Without the bit that would make it root's for everybody.
exim() {
  local folder=$tools/exim
  if [ -e "$folder/usr/sbin/exim4" ]; then
    say "Exim is there"
    return
  fi
  say "unpacking Exim"
  local unpacked
  unpacked=$(mktemp -d)
  (cd "$unpacked" && apt-get download --quiet exim4-daemon-light) ||
    give_up "apt-get could not download exim4-daemon-light: Debian's packages need a package mirror"
  dpkg-deb --extract "$unpacked"/exim4-daemon-light_*.deb "$unpacked/exim"
  chmod u-s "$unpacked/exim/usr/sbin/exim4"
  rm -rf "$folder"
  mv "$unpacked/exim" "$folder"
  rm -rf "$unpacked"
}

wasm_target() {
  command -v rustup >/dev/null || {
    say "no rustup here: the target wasm32-wasip2 has to come with this Rust"
    return
  }
  if rustup target list --installed | grep -qx wasm32-wasip2; then
    say "the target wasm32-wasip2 is there"
    return
  fi
  say "adding the target wasm32-wasip2"
  rustup target add wasm32-wasip2 || give_up "rustup could not add wasm32-wasip2"
}

mkdir -p "$tools"
# dbconfig-no-thanks stands for the database that opendmarc's package would set up otherwise.
debian_packages postfix opendkim opendkim-tools opendmarc dbconfig-no-thanks libresolv-wrapper bind9 dnsdist chromium \
  curl libgnutls-dane0 libidn12 libnsl2 libnss-wrapper
exim
python_environment 1.1.0
python_environment 1.0.0
node_packages
wasm_target
say "all there"
