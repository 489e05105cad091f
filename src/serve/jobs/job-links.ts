import { randomBytes } from 'node:crypto';
import type { JobLink } from '../../protocol/index.js';

/** Milliseconds that a link is good for. */
const lifetime = 10 * 60_000;
/** Links that are known at once; the oldest goes. */
const mostLinks = 1000;

/**
 * Addresses that a result can be fetched at without a token. A browser's own download sends no `Authorization`, and a
 * token must never be in an address; such a link opens one file, for a while.
 */
export class JobLinks {
  readonly #links = new Map<string, { readonly job: string; readonly expires: number }>();

  /** Makes a link to a job's result. */
  create(job: string): JobLink {
    const now = Date.now();
    for (const [secret, { expires }] of this.#links) {
      if (expires <= now || this.#links.size >= mostLinks) this.#links.delete(secret);
    }
    const secret = randomBytes(24).toString('base64url');
    const expires = now + lifetime;
    this.#links.set(secret, { job, expires });
    return { href: `/results/${secret}`, expires };
  }

  /** The job that a link's secret leads to. */
  job(secret: string): string | undefined {
    const link = this.#links.get(secret);
    return link && link.expires > Date.now() ? link.job : undefined;
  }
}
