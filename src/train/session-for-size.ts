import type { DecodedPicture } from './sets/picture-cache.js';

type Size = Pick<DecodedPicture, 'width' | 'height'>;

/** A session for pictures of the size at hand, where most pictures are of one size: for another one it is opened anew. */
export class SessionForSize<Session> implements AsyncDisposable {
  readonly #create: (size: Size) => Promise<Session>;
  readonly #end: (session: Session) => Promise<void>;
  #open: (Size & { readonly session: Session }) | undefined;
  /** Ends when everything asked of {@link use} has. */
  #used: Promise<unknown> = Promise.resolve();

  /**
   * @param create opens a session.
   * @param close ends one.
   */
  constructor(create: (size: Size) => Promise<Session>, close: (session: Session) => Promise<void>) {
    this.#create = create;
    this.#end = close;
  }

  /** The session that was asked for last. */
  get latest(): Session | undefined {
    return this.#open?.session;
  }

  /**
   * The session for a size, for who asks again only when it is done with it.
   *
   * @throws Error whatever opening it throws.
   */
  async get({ width, height }: Size): Promise<Session> {
    if (this.#open?.width === width && this.#open.height === height) return this.#open.session;
    await this.#close();
    const session = await this.#create({ width, height });
    this.#open = { width, height, session };
    return session;
  }

  /**
   * Does something with the session for a size, for who may ask at any time: one after the other, so that no session
   * is closed while it is used.
   *
   * @throws Error whatever opening it and `work` throw.
   */
  use<Result>(size: Size, work: (session: Session) => Promise<Result>): Promise<Result> {
    const done = this.#used.then(async () => work(await this.get(size)));
    this.#used = done.catch(() => undefined);
    return done;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#used;
    await this.#close();
  }

  async #close(): Promise<void> {
    const open = this.#open;
    this.#open = undefined;
    if (open) await this.#end(open.session);
  }
}
