#!/bin/sh
# What the tests need beside Python: PostGIS, Chromium and a Chinese font. Installed through apt when
# missing and allowed; otherwise it says exactly what to install and stops.
set -eu

wanted=""
have() { command -v "$1" >/dev/null 2>&1; }

have chromium || have chromium-browser || have google-chrome || wanted="$wanted chromium"
fc-list :lang=zh 2>/dev/null | grep -q . || wanted="$wanted fontconfig fonts-noto-cjk"
ls /usr/share/postgresql/*/extension/postgis.control >/dev/null 2>&1 || wanted="$wanted postgresql postgis postgresql-postgis"

[ -z "$wanted" ] && exit 0

if have apt-get && [ "$(id -u)" = 0 ]; then
  echo "installing for the tests:$wanted"
  export DEBIAN_FRONTEND=noninteractive
  apt-get update -qq
  # Where the package without a version does not exist, the metapackage postgis brings the right one.
  apt-cache show postgresql-postgis >/dev/null 2>&1 || wanted=$(echo "$wanted" | sed 's/ postgresql-postgis//')
  # shellcheck disable=SC2086
  apt-get install -y -qq --no-install-recommends $wanted >/dev/null
else
  echo "The tests need these packages, which are missing:$wanted" >&2
  echo "Install them (Debian, Ubuntu: sudo apt-get install$wanted) and run make test again." >&2
  exit 1
fi
