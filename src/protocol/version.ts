/** Version of the wire protocol; both sides say it in their `hello`, and part when they differ. */
export const PROTOCOL_VERSION = 1;

/** The subprotocol that a client offers and the server chooses. */
export const subprotocol = `deblur.v${PROTOCOL_VERSION}`;

/** A client that wants to send its token with the handshake offers a second subprotocol: this and the token. */
export const tokenSubprotocolPrefix = 'deblur.token.';

/** What a token may be made of: it has to fit a subprotocol's name and a URL's fragment. */
export const tokenPattern = /^[A-Za-z0-9._~-]{16,256}$/;

/** Why a server closes a connection, as the code of WebSocket's close frame. */
export const closeCodes = {
  /** The server stops; come back later. */
  goingAway: 1001,
  /** A message was larger than `hello` allows. */
  tooLarge: 1009,
  /** A message that the protocol does not know or allow. */
  badMessage: 4400,
  /** No token, or not the right one. */
  unauthorised: 4401,
  /** No `hello` in time, or nothing heard for longer than `hello` allows. */
  timedOut: 4408,
  /** Another version of the protocol. */
  version: 4426,
  /** More messages than `hello` allows, or too many viewers. */
  tooMany: 4429,
} as const;
