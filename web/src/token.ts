const key = 'deblur-token';

/**
 * The server's token. It comes in the address's fragment, which browsers send to nobody, is taken out of the address at once and
 * kept for this tab only.
 */
export function takeToken(): string | undefined {
  const given = new URLSearchParams(location.hash.slice(1)).get('token');
  if (given) {
    sessionStorage.setItem(key, given);
    history.replaceState(null, '', location.pathname + location.search);
  }
  return sessionStorage.getItem(key) ?? undefined;
}

/** Keeps a token that a person has typed. */
export function keepToken(token: string): void {
  sessionStorage.setItem(key, token);
}

/** Forgets a token that the server has refused. */
export function forgetToken(): void {
  sessionStorage.removeItem(key);
}
