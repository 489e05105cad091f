/**
 * Takes a layer normalisation's centring, scale and bias into the linear layer that follows it, which
 * then only needs `x · 1/√(σ² + ε)`: with `n = (x - μ)·rstd·scale + bias`,
 * `W n + b = W·diag(scale)·(I - 11ᵀ/C)·(x·rstd) + (W·bias + b)`. Without centring, `I - 11ᵀ/C` is `I`.
 *
 * @param weight the layer's matrix `[O, C]`, row by row.
 * @param layerBias the layer's bias `[O]`, if it has one.
 * @param scale the normalisation's scale `[C]`.
 * @param bias the normalisation's bias `[C]`.
 * @param centred whether the normalisation takes off the mean.
 */
export function foldLayerNorm(
  weight: Float32Array,
  layerBias: Float32Array | undefined,
  scale: Float32Array,
  bias: Float32Array,
  centred: boolean,
): { readonly weight: Float32Array; readonly bias: Float32Array } {
  const channels = scale.length;
  const outputs = weight.length / channels;
  const foldedWeight = new Float32Array(weight.length);
  const foldedBias = new Float32Array(outputs);
  for (let o = 0; o < outputs; o += 1) {
    const row = weight.subarray(o * channels, (o + 1) * channels);
    let sum = 0;
    let offset = layerBias?.[o] ?? 0;
    row.forEach((w, i) => {
      sum += w * (scale[i] ?? 0);
      offset += w * (bias[i] ?? 0);
    });
    foldedWeight.set(
      row.map((w, i) => w * (scale[i] ?? 0) - (centred ? sum / channels : 0)),
      o * channels,
    );
    foldedBias[o] = offset;
  }
  return { weight: foldedWeight, bias: foldedBias };
}
