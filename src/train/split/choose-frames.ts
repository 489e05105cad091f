import { DeblurError } from '../../errors.js';
import type { ScoredFrame } from './score-frames.js';

/** Frames of one shot, or one photo. */
export interface Scene {
  /** As its folder is called. */
  readonly name: string;
  /** The file that it is of. */
  readonly source: string;
  readonly frames: readonly ScoredFrame[];
}

/** What a frame is taken for. */
export type FrameKind = 'blurry' | 'sharp';

/** A scene of which some frames are taken, all for one purpose. */
export interface ChosenScene {
  readonly scene: Scene;
  readonly kind: FrameKind;
  readonly frames: readonly ScoredFrame[];
}

/** What was chosen, and what there was. */
export interface Choice {
  readonly scenes: readonly ChosenScene[];
  /** Sharpness of the camera's sharpest frames, one in ten. */
  readonly reference: number;
  /** Frames of each kind that there were, those that were not chosen too. */
  readonly found: Readonly<Record<FrameKind, number>>;
}

/** Options of {@link chooseFrames}. */
export interface ChooseOptions {
  /** Part of the scenes that gives blurry frames, the others give sharp ones. Default 0.6. */
  readonly ratio?: number;
  /** Fewest frames of each kind. Default 24. */
  readonly least?: number;
  /** Most frames of a scene. Default 120. */
  readonly perScene?: number;
  /** Frames of the footage from one chosen frame to the next, at the least. Default 3. */
  readonly gap?: number;
}

/** A frame is sharp from this part of its reference on, and blurry up to the lower one. */
const [sharpFrom, blurryTo] = [0.82, 0.66];
/** A sharp frame's lower quarter of cells is at least this part of its middle: nothing in it moved. */
const evenly = 0.55;
/** Part of the camera's reference that a scene is measured by which has no sharp frame itself. */
const elsewhere = 0.85;
/** Frames from which on a scene's sharpest are a measure of the others. */
const enough = 8;
/** Part of a frame's cells with enough detail to judge it by. */
const leastJudged = 0.12;
/** Motion in pixels per frame that explains blur. */
const moves = 0.5;

/** What a frame is good for, by the sharpness of the sharpest around it. */
export function frameKind(
  { edges, motion, exposed }: ScoredFrame,
  scene: number,
  camera: number,
): FrameKind | undefined {
  if (!exposed || edges.judged < leastJudged) return undefined;
  const reference = Math.max(scene, elsewhere * camera);
  if (edges.middle >= sharpFrom * reference) return edges.lower >= evenly * edges.middle ? 'sharp' : undefined;
  if (edges.middle > blurryTo * reference) return undefined;
  // What is soft though nothing moves, in a scene without a sharp frame, may be so by its nature.
  const explained = motion === undefined || motion >= moves || scene >= elsewhere * camera;
  return explained ? 'blurry' : undefined;
}

/**
 * Chooses blurry and sharp frames of one camera, from different scenes: a discriminator that is shown both would
 * otherwise compare what there is to see.
 *
 * @throws DeblurError `INPUT_UNREADABLE` with advice where there are too few of a kind.
 */
export function chooseFrames(scenes: readonly Scene[], options: ChooseOptions = {}): Choice {
  const { ratio = 0.6, least = 24, perScene = 120, gap = 3 } = options;
  const camera = upperTenth(scenes.flatMap(({ frames }) => frames));
  const sorted = scenes.map((scene) => {
    const own = scene.frames.length < enough ? camera : upperTenth(scene.frames);
    const of = (kind: FrameKind) => scene.frames.filter((frame) => frameKind(frame, own, camera) === kind);
    const [blurry, sharp] = [of('blurry'), of('sharp')];
    return {
      scene,
      blurry: thinned(blurry, perScene, gap, 1),
      sharp: thinned(sharp, perScene, gap, -1),
      counts: { blurry: blurry.length, sharp: sharp.length },
    };
  });
  const found = {
    blurry: sorted.reduce((sum, { counts }) => sum + counts.blurry, 0),
    sharp: sorted.reduce((sum, { counts }) => sum + counts.sharp, 0),
  };
  const useful = sorted.filter(({ blurry, sharp }) => blurry.length + sharp.length > 0);
  const kinds = assign(useful, ratio);
  const chosen = useful.map(({ scene, ...frames }, i): ChosenScene => {
    const kind = kinds[i]!;
    return { scene, kind, frames: frames[kind] };
  });
  const count = scenes.reduce((sum, { frames }) => sum + frames.length, 0);
  for (const kind of ['blurry', 'sharp'] as const) {
    const have = chosen.filter((scene) => scene.kind === kind).reduce((sum, { frames }) => sum + frames.length, 0);
    if (have < least) throw tooFew(kind, { have, least, found: found[kind], count, scenes: useful.length });
  }
  return { scenes: chosen, reference: camera, found };
}

/** The sharpness that one in ten of the frames that can be judged exceeds. */
function upperTenth(frames: readonly ScoredFrame[]): number {
  const values = frames
    .filter(({ exposed, edges }) => exposed && edges.judged >= leastJudged)
    .map(({ edges }) => edges.middle)
    .sort((a, b) => a - b);
  return values[Math.floor(0.9 * values.length)] ?? 0;
}

/** At most so many frames, none close to another, the blurriest (or with -1 the sharpest) first. */
function thinned(frames: readonly ScoredFrame[], most: number, gap: number, order: 1 | -1): ScoredFrame[] {
  const taken: ScoredFrame[] = [];
  for (const frame of [...frames].sort((a, b) => order * (a.edges.middle - b.edges.middle))) {
    if (taken.length === most) break;
    if (taken.every(({ index }) => Math.abs(index - frame.index) >= gap)) taken.push(frame);
  }
  return taken.sort((a, b) => a.index - b.index);
}

/** What each scene is for: what it has most of, with `ratio` of the scenes that have both for blurry frames at the end. */
function assign(
  scenes: readonly { readonly blurry: readonly unknown[]; readonly sharp: readonly unknown[] }[],
  ratio: number,
): FrameKind[] {
  const kinds = scenes.map(({ blurry, sharp }): FrameKind | undefined => {
    if (sharp.length === 0) return 'blurry';
    return blurry.length === 0 ? 'sharp' : undefined;
  });
  const open = scenes
    .map(({ blurry, sharp }, i) => ({ i, leaning: blurry.length / (blurry.length + sharp.length) }))
    .filter(({ i }) => kinds[i] === undefined)
    .sort((a, b) => b.leaning - a.leaning);
  const fixed = kinds.filter((kind) => kind === 'blurry').length;
  const others = kinds.filter((kind) => kind === 'sharp').length;
  let wanted = Math.round(ratio * scenes.length) - fixed;
  // Where a kind has no scene of its own, it gets one of those that have both.
  if (others === 0) wanted = Math.min(wanted, open.length - 1);
  if (fixed === 0) wanted = Math.max(wanted, 1);
  open.forEach(({ i }, place) => (kinds[i] = place < wanted ? 'blurry' : 'sharp'));
  return kinds.map((kind) => kind ?? 'sharp');
}

interface Shortage {
  readonly have: number;
  readonly least: number;
  readonly found: number;
  readonly count: number;
  readonly scenes: number;
}

function tooFew(kind: FrameKind, { have, least, found, count, scenes }: Shortage): DeblurError {
  const advice =
    found >= least
      ? `There would be ${found}, but each of the ${scenes} scenes gives frames of one kind only: add more scenes (other places, or clips of their own).`
      : kind === 'sharp'
        ? 'Add a clip that the camera films at rest (on a tripod or a table, in good light), or photos of it with a short exposure.'
        : 'Add clips with the blur that is to be removed: moved by hand, panned, or of things that move.';
  return new DeblurError(
    'INPUT_UNREADABLE',
    `The footage has too few ${kind} frames: ${have} of ${count} could be taken, ${least} are needed.`,
    { hint: advice },
  );
}
