#!/usr/bin/env bash
# Builds the native part of @tensorflow/tfjs-node against the TensorFlow that PyPI ships, where its prebuilt binary
# can't be had. (With a CUDA card, "npm install @tensorflow/tfjs-node-gpu" is the usual way, and nothing of this is needed.)
#   scripts/install-tensorflow.sh            in this project, after "npm ci"
#   TFJS_PACKAGE=tfjs-node-gpu …             for the other package
# Needs python3 with pip, a C++ compiler and the headers of the node that runs (they come with its distribution). The
# wheel, 200 MB, is kept in the user's cache folder. TensorFlow's C interface is the same in all of 2.x.
set -euo pipefail
cd "$(dirname "$0")/.."
project="$PWD"
package="@tensorflow/${TFJS_PACKAGE:-tfjs-node}"
version="${TENSORFLOW_VERSION:-2.15.1}"
addon="$project/node_modules/$package"
library="${TENSORFLOW_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/deblur-stream/tensorflow-cpu-$version}"

works() {
  TF_CPP_MIN_LOG_LEVEL=3 node --input-type=commonjs -e "
    const util = require('util');
    util.isNullOrUndefined ??= (value) => value === null || value === undefined;
    util.isArray ??= Array.isArray;
    console.log = console.warn = () => undefined;
    const tf = require('$package');
    tf.ready().then(() => process.exit(tf.getBackend() === 'tensorflow' ? 0 : 1));
  " >/dev/null 2>&1
}

if [ ! -d "$addon" ]; then
  echo "$package is not installed; run \"npm ci\" first." >&2
  exit 1
fi
if works; then
  echo "$package works."
  exit 0
fi

if [ ! -e "$library/tensorflow/libtensorflow_cc.so.2" ]; then
  echo "Fetching TensorFlow $version from PyPI …"
  wheel="$(mktemp -d)"
  trap 'rm -rf "$wheel"' EXIT
  python3 -m pip download --quiet --no-deps --only-binary=:all: --dest "$wheel" "tensorflow-cpu==$version"
  mkdir -p "$library"
  python3 -m zipfile -e "$wheel"/*.whl "$library"
fi

mkdir -p "$addon/deps/lib"
ln -sfn "$library/tensorflow/include" "$addon/deps/include"
for name in libtensorflow.so libtensorflow_cc.so.2; do
  ln -sf "$library/tensorflow/libtensorflow_cc.so.2" "$addon/deps/lib/$name"
done
for name in libtensorflow_framework.so libtensorflow_framework.so.2; do
  ln -sf "$library/tensorflow/libtensorflow_framework.so.2" "$addon/deps/lib/$name"
done

echo "Building the addon …"
headers="$(node -p 'const path = require("path"); path.dirname(path.dirname(fs.realpathSync(process.execPath)))')"
cd "$addon"
npx --yes node-gyp@11.4.2 rebuild --silent --nodedir="$headers" --module_name=tfjs_binding \
  --module_path="$addon/lib/napi-v8" --napi_build_version=8
cd "$project"
if ! works; then
  echo "$package was built but does not load." >&2
  exit 1
fi
echo "$package works."
