/** Networks that are run one after the other, each a model's name or the path of an `.onnx` or `.safetensors` file. */
export interface NetworkChain {
  readonly model: string;
  /** A network before the model that turns a frame's blur into one that the model knows. Default: none. */
  readonly translator?: string;
}

/**
 * The networks that a person asked for, of whom `none` is no network; undefined where no network is left. A translator
 * alone is a network like others.
 */
export function networksOf(asked: {
  readonly model: string;
  readonly translator?: string | undefined;
}): NetworkChain | undefined {
  const [first, second] = [asked.translator ?? 'none', asked.model].filter((name) => name !== 'none');
  if (first === undefined) return undefined;
  return second === undefined ? { model: first } : { translator: first, model: second };
}

/** A chain's name for a person. */
export function chainName({ translator, model }: NetworkChain): string {
  return translator === undefined ? model : `${translator} > ${model}`;
}
