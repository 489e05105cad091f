import type { DecodedPicture } from './sets/picture-cache.js';

type Size = Pick<DecodedPicture, 'width' | 'height'>;

/** A session for pictures of the size at hand, where most pictures are of one size: for another one it is opened anew. */
export class SessionForSize<Session> implements AsyncDisposable {
  readonly #create: (size: Size) => Promise<Session>;
  readonly #close: (session: Session) => Promise<void>;
  #open: (Size & { readonly session: Session }) | undefined;

  /**
   * @param create opens a session.
   * @param close ends one.
   */
  constructor(create: (size: Size) => Promise<Session>, close: (session: Session) => Promise<void>) {
    this.#create = create;
    this.#close = close;
  }

  /** The session that was asked for last. */
  get latest(): Session | undefined {
    return this.#open?.session;
  }

  /**
   * The session for a size.
   *
   * @throws Error whatever opening it throws.
   */
  async get({ width, height }: Size): Promise<Session> {
    if (this.#open?.width === width && this.#open.height === height) return this.#open.session;
    await this[Symbol.asyncDispose]();
    const session = await this.#create({ width, height });
    this.#open = { width, height, session };
    return session;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const open = this.#open;
    this.#open = undefined;
    if (open) await this.#close(open.session);
  }
}
