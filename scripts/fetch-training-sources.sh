#!/usr/bin/env bash
# Collects the photographs that the light network is trained on from Debian's packages of wallpapers.
#   scripts/fetch-training-sources.sh [FOLDER]     default: runs/sources
# Needs a Debian or Ubuntu with apt-get and dpkg-deb; nothing is installed. Each package's copyright file is kept
# beside its pictures: it names authors and licences.
set -euo pipefail
target="${1:-runs/sources}"
mkdir -p "$target/photos" "$target/copyright"
target="$(cd "$target" && pwd)"
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
cd "$work"

# package, prefix of the file names, the photographs among its pictures
take() {
  local package="$1" prefix="$2"
  shift 2
  apt-get download -qq "$package" >/dev/null
  dpkg-deb -x "$package"_*.deb "$package"
  cp "$package/usr/share/doc/$package/copyright" "$target/copyright/$package"
  for picture in "$@"; do
    local file name
    file="$(find "$package/usr/share" -path "*$picture" | sort | tail -n 1)"
    if [ -z "$file" ]; then
      echo "$package has no $picture" >&2
      continue
    fi
    name="${picture%%/*}"
    name="${name%.*}"
    cp "$file" "$target/photos/${prefix}_$name.${file##*.}"
  done
  echo "$package: $# photographs"
}

take lomiri-wallpapers-16.04 lomiri \
  Picture_1A_by_freespace.jpg Picture_0B_by_freespace.jpg Wine_by_Jakkub_Mede.jpg \
  seeding_by_Clements_Engelhardt.jpg aitzgorri_by_Aitzol_Berasategi.jpg Dragonfly_by_Bolly.jpg \
  friends_by_Aitzol_Berasategi.jpg sunset_by_Aitzol_Berasategi.jpg free_by_Peter_Nerlich.jpg \
  picosdeeuropa_by_Aitzol_Berasategi.jpg life_by_Aitzol_Berasategi.jpg \
  analogpattern_by_Peter_Nerlich.jpg Bridge_by_Sander_Klootwijk.jpg
take lomiri-wallpapers-20.04 lomiri Kleiber_by_Lukas_Baubkus.jpg
take plasma-workspace-wallpapers plasma \
  {FallenLeaf,Path,EveningGlow,Grey,ColorfulCups,OneStandsOut,ColdRipple,BytheWater}/contents/images/2560x1600.jpg
take mate-backgrounds mate \
  {Dune,TwoWings,GreenMeadow,LadyBird}.jpg
