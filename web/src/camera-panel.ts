import { BehaviorSubject, type Subscription } from 'rxjs';
import { sendCamera, type CameraSender, type LiveClient, type ServerHello } from '../../src/client/index.js';
import { make, need, setText } from './elements.js';

/** Size and rate that a camera is asked for; it gives what it can. */
const wanted: MediaTrackConstraints = {
  width: { ideal: 1280 },
  height: { ideal: 720 },
  frameRate: { ideal: 30 },
};

const invitation = 'The picture of this camera goes to the server, and comes back without its blur.';

/** The browser's own camera: asks for it, sends it, and says what is in the way. */
export class CameraPanel {
  readonly sending$ = new BehaviorSubject(false);
  readonly offered$ = new BehaviorSubject(false);

  readonly #client: LiveClient;
  readonly #section = need('camera', HTMLElement);
  readonly #text = need('camera-text', HTMLElement);
  readonly #choice = need('camera-choice', HTMLElement);
  readonly #device = need('camera-device', HTMLSelectElement);
  readonly #button = need('camera-start', HTMLButtonElement);
  #stream: MediaStream | undefined;
  #sender: CameraSender | undefined;
  #status: Subscription | undefined;

  constructor(client: LiveClient) {
    this.#client = client;
    setText(this.#text, invitation);
    this.#button.onclick = () => void this.toggle();
    this.#device.onchange = () => void this.#switch();
  }

  offer(hello: ServerHello | undefined): void {
    // While the server is away everything stays, and the camera goes on by itself when it is back.
    if (!hello) return;
    this.offered$.next(hello.may.camera);
    this.#section.hidden = !hello.may.camera;
  }

  async toggle(): Promise<void> {
    if (this.#sender) this.#stop(invitation);
    else await this.#start();
  }

  async #switch(): Promise<void> {
    if (!this.#sender) return;
    this.#stop('');
    await this.#start();
  }

  async #start(): Promise<void> {
    // Old browsers and pages without HTTPS have no camera at all.
    const devices = (navigator as { mediaDevices?: MediaDevices }).mediaDevices;
    if (!devices) {
      setText(
        this.#text,
        'Browsers give a camera to secure pages only: use https, or open this page on the server itself.',
      );
      return;
    }
    this.#button.disabled = true;
    setText(this.#text, 'Allow the camera in the browser’s question.');
    const chosen = this.#device.value;
    try {
      const video = { ...wanted, ...(chosen ? { deviceId: { exact: chosen } } : {}) };
      this.#stream = await devices.getUserMedia({ video, audio: false });
    } catch (error) {
      setText(this.#text, refusalOf(error));
      return;
    } finally {
      this.#button.disabled = false;
    }
    await this.#list(devices);
    this.#send(this.#stream);
  }

  #send(stream: MediaStream): void {
    const sender = sendCamera(this.#client, stream);
    this.#sender = sender;
    this.#status = sender.status$.subscribe((status) => {
      if (status.status === 'stopped') this.#stop(status.error?.message ?? invitation);
      else setText(this.#text, status.status === 'sending' ? 'This camera is being sent.' : 'Waiting for the server.');
    });
    if (this.#sender === sender) this.#show(true);
  }

  #stop(text: string): void {
    const sender = this.#sender;
    this.#sender = undefined;
    this.#status?.unsubscribe();
    sender?.stop();
    for (const track of this.#stream?.getTracks() ?? []) track.stop();
    this.#stream = undefined;
    setText(this.#text, text);
    this.#show(false);
  }

  #show(sending: boolean): void {
    setText(this.#button, sending ? 'Stop the camera' : 'Use this camera');
    this.sending$.next(sending);
  }

  /** Names are known only after a permission. */
  async #list(devices: MediaDevices): Promise<void> {
    const cameras = (await devices.enumerateDevices()).filter(({ kind }) => kind === 'videoinput');
    const used = this.#stream?.getVideoTracks()[0]?.getSettings().deviceId ?? '';
    this.#device.replaceChildren(
      ...cameras.map(({ deviceId, label }, index) =>
        make('option', { value: deviceId }, label || `Camera ${index + 1}`),
      ),
    );
    this.#device.value = used;
    this.#choice.hidden = cameras.length < 2;
  }
}

/** Why there is no camera, and what to do about it. */
function refusalOf(error: unknown): string {
  switch (error instanceof DOMException ? error.name : '') {
    case 'NotAllowedError':
      return 'The camera was not allowed. Allow it beside the page’s address, then try again.';
    case 'NotFoundError':
    case 'OverconstrainedError':
      return 'There is no camera on this device.';
    case 'NotReadableError':
      return 'The camera is in use by another program. Close that, then try again.';
    default:
      return 'The camera could not be opened.';
  }
}
