import { combineLatest, distinctUntilChanged, map, startWith } from 'rxjs';
import { connect, type LiveState } from '../../src/client/index.js';
import { CameraPanel } from './camera-panel.js';
import { Comparison, type View } from './comparison.js';
import { Controls } from './controls.js';
import { CoverView, type CoverAction } from './cover-view.js';
import { need, setIcon, setText } from './elements.js';
import { Figures } from './figures.js';
import { Files } from './files.js';
import { Lens } from './lens.js';
import { notifyError } from './notices.js';
import { Recording, takeSnapshot } from './recording.js';
import { listenForShortcuts } from './shortcuts.js';
import { Screen } from './screen.js';
import { SourceForm } from './source-form.js';
import { StackedPicture } from './stacked-picture.js';
import { statusOf } from './status.js';
import { setUpTabs } from './tabs.js';
import { setUpTheme } from './theme.js';
import { forgetToken, keepToken, takeToken } from './token.js';

const token = takeToken();
const client = connect(new URL('.', location.href), { name: 'deblur page', ...(token ? { token } : {}) });

const pictureElement = need('picture', HTMLElement);
const stage = need('stage', HTMLElement);
const status = need('status', HTMLElement);
const statusText = need('status-text', HTMLElement);
const pause = need('pause', HTMLButtonElement);
const snapshot = need('snapshot', HTMLButtonElement);
const fullscreen = need('fullscreen', HTMLButtonElement);
const lensToggle = need('lens-toggle', HTMLButtonElement);

const picture = new StackedPicture(need('original', HTMLCanvasElement), need('result', HTMLCanvasElement));
const comparison = new Comparison(pictureElement, need('comparison', HTMLElement));
const lens = new Lens(need('lens', HTMLCanvasElement), pictureElement, picture);
const screen = new Screen(client, need('video', HTMLVideoElement), picture);
const controls = new Controls(client);
const figures = new Figures();
const files = new Files(client);
const camera = new CameraPanel(client);
const recording = new Recording(client);
const sourceForm = new SourceForm(client);
const cover = new CoverView(act, (typed) => {
  keepToken(typed);
  location.reload();
});

setUpTheme(need('theme', HTMLButtonElement));
setUpTabs(document.querySelector('[role="tablist"]') ?? document.body);

let viewers: number | undefined;
let shownState: LiveState | undefined;
let paused = false;

function showFacts(): void {
  if (shownState) figures.showFacts(shownState, client.hello?.source, viewers);
}

function act(action: CoverAction): void {
  switch (action) {
    case 'play':
      screen.resume();
      break;
    case 'retry':
      client.retryNow();
      break;
    case 'reload':
      location.reload();
      break;
    case 'camera':
      void camera.toggle();
  }
}

picture.size$.subscribe(({ width, height }) => {
  stage.style.setProperty('--ratio', String(width / height));
  pictureElement.hidden = false;
});
picture.frames$.subscribe((frame) => figures.take(frame, screen));

client.statistics$.subscribe((statistics) => {
  viewers = statistics.viewers;
  figures.show(statistics);
  showFacts();
});
client.jobs$.subscribe((jobs) => files.show(jobs));

client.connection$.subscribe((connection) => {
  if (connection.status === 'refused' && connection.why === 'token') forgetToken();
  const hello = connection.status === 'open' ? connection.hello : undefined;
  controls.offer(hello);
  files.offer(hello);
  camera.offer(hello);
  sourceForm.offer(hello);
});

client.state$.subscribe((state) => {
  controls.show(state);
  files.setState(state);
  shownState = state;
  showFacts();
  recording.setServerRecording(state.recording);
  paused = state.paused;
  pause.setAttribute('aria-pressed', String(paused));
  pause.setAttribute('aria-label', paused ? 'Continue' : 'Pause');
  setIcon(pause, paused ? 'play-icon' : 'pause-icon');
});

const cameraRole$ = combineLatest([camera.offered$, camera.sending$]).pipe(
  map(([offered, sending]) => (sending ? 'sending' : offered ? 'possible' : 'none')),
);

combineLatest([
  client.connection$,
  client.state$.pipe(startWith(undefined)),
  screen.status$.pipe(startWith('idle' as const)),
  cameraRole$,
]).subscribe(([connection, state, player, cameraRole]) => {
  const filesOnly = connection.status === 'open' && connection.hello.source === undefined;
  const now = statusOf({ connection, state, player, camera: cameraRole, filesOnly });
  status.dataset['tone'] = now.tone;
  setText(statusText, now.text);
  cover.show(now.cover);
  const live = connection.status === 'open' && state?.source === 'live';
  snapshot.disabled = !live;
  pause.disabled = !live || !connection.hello.may.control;
  recording.offer(connection.status === 'open' && connection.hello.may.record, live);
});

client.connection$
  .pipe(
    map(({ status: now }) => now),
    distinctUntilChanged(),
  )
  .subscribe((now) => {
    document.documentElement.dataset['connection'] = now;
  });

// Toolbar

function choose(view: View): void {
  comparison.view$.next(view);
}

for (const radio of document.querySelectorAll<HTMLInputElement>('input[name="view"]')) {
  radio.addEventListener('change', () => choose(radio.value as View));
}
comparison.view$.subscribe((view) => {
  const radio = document.querySelector<HTMLInputElement>(`input[name="view"][value="${view}"]`);
  if (radio) radio.checked = true;
});

lens.shown$.subscribe((shown) => lensToggle.setAttribute('aria-pressed', String(shown)));
lensToggle.onclick = () => lens.toggle();

function togglePause(): void {
  if (!pause.disabled) client.control({ paused: !paused }).catch(notifyError);
}
pause.onclick = togglePause;

function takePictures(): void {
  if (!snapshot.disabled) void takeSnapshot(client, picture);
}
snapshot.onclick = takePictures;

function toggleFullscreen(): void {
  const change = document.fullscreenElement ? document.exitFullscreen() : stage.requestFullscreen();
  change.catch(() => notifyError(new Error('This browser shows only videos in full screen.')));
}
fullscreen.onclick = toggleFullscreen;
document.addEventListener('fullscreenchange', () => {
  const full = document.fullscreenElement !== null;
  fullscreen.setAttribute('aria-label', full ? 'Leave full screen' : 'Full screen');
});

const keysDialog = need('keys-dialog', HTMLDialogElement);
need('keys', HTMLButtonElement).onclick = () => keysDialog.showModal();

listenForShortcuts({
  '1': () => choose('slider'),
  '2': () => choose('side'),
  '3': () => choose('result'),
  z: () => lens.toggle(),
  '+': () => lens.zoom(1.25),
  '=': () => lens.zoom(1.25),
  '-': () => lens.zoom(0.8),
  'Shift+ArrowLeft': () => lens.move(-1, 0),
  'Shift+ArrowRight': () => lens.move(1, 0),
  'Shift+ArrowUp': () => lens.move(0, -1),
  'Shift+ArrowDown': () => lens.move(0, 1),
  ' ': togglePause,
  s: takePictures,
  r: () => recording.toggle(),
  f: toggleFullscreen,
  '?': () => keysDialog.showModal(),
});

// A laptop that wakes up does not wait for its turn.
addEventListener('online', () => client.retryNow());
document.addEventListener('visibilitychange', () => {
  if (!document.hidden) client.retryNow();
});
