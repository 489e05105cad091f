import type { Connection, LiveState, PlayerStatus } from '../../src/client/index.js';

/** How the page stands: what the header says, and what covers the picture. */
export interface Status {
  readonly tone: 'good' | 'wait' | 'bad' | 'plain';
  /** A few words. */
  readonly text: string;
  /** What lies over the picture, or instead of it. */
  readonly cover?: Cover;
}

/** A message over the picture. */
export interface Cover {
  readonly title: string;
  readonly text?: string;
  readonly busy?: boolean;
  readonly ask?: 'token' | 'play' | 'retry' | 'reload' | 'camera';
}

/** What is known of everything that a picture needs. */
export interface Situation {
  readonly connection: Connection;
  readonly state: LiveState | undefined;
  readonly player: PlayerStatus;
  /** Whether this page's own camera is what is watched, or could be. */
  readonly camera: 'none' | 'possible' | 'sending';
  /** The server has files to deblur, but no live source. */
  readonly filesOnly: boolean;
}

/** Puts a situation into words: the nearest trouble first. */
export function statusOf(situation: Situation): Status {
  const { connection, player } = situation;
  switch (connection.status) {
    case 'connecting':
      return connection.attempt === 0
        ? { tone: 'wait', text: 'Connecting', cover: { title: 'Connecting', busy: true } }
        : lost('The connection was lost', 'Connecting again');
    case 'waiting':
      return lost(connection.reason, `Offline, attempt ${connection.attempt}`);
    case 'refused':
      return refused(connection);
    case 'closed':
      return { tone: 'bad', text: 'Closed', cover: { title: 'The connection is closed', ask: 'reload' } };
    case 'open':
  }
  if (situation.filesOnly) {
    const text = 'This server deblurs files: add one under Files.';
    return { tone: 'good', text: 'Connected', cover: { title: 'No live source', text } };
  }
  if (player === 'unsupported') {
    const text = 'It has no decoder for H.264 in a media stream. Another browser can show the picture.';
    return { tone: 'bad', text: 'No picture', cover: { title: 'This browser cannot play the stream', text } };
  }
  return sourceStatus(situation);
}

function lost(reason: string, text: string): Status {
  return {
    tone: 'wait',
    text,
    cover: { title: 'Reconnecting', text: `${reason} The picture comes back by itself.`, busy: true, ask: 'retry' },
  };
}

function refused({ why, reason }: Extract<Connection, { status: 'refused' }>): Status {
  if (why === 'token') {
    const text = 'The command line prints an address with it. Open that address, or enter the token here.';
    return { tone: 'bad', text: 'Token needed', cover: { title: 'This server wants a token', text, ask: 'token' } };
  }
  return { tone: 'bad', text: 'Not connected', cover: { title: 'Not connected', text: reason, ask: 'reload' } };
}

function sourceStatus({ state, player, camera }: Situation): Status {
  if (!state || state.source === 'connecting') {
    if (camera === 'possible') {
      const text = 'This server waits for a browser’s camera. Its pictures go to this server only.';
      return { tone: 'plain', text: 'Waiting for a camera', cover: { title: 'Use your camera', text, ask: 'camera' } };
    }
    return waiting('Connecting to the source', state?.message);
  }
  switch (state.source) {
    case 'reconnecting': {
      const attempt = state.attempt === undefined ? '' : `, attempt ${state.attempt}`;
      return waiting(`Reconnecting to the source${attempt}`, state.message);
    }
    case 'failed':
      return {
        tone: 'bad',
        text: 'Source failed',
        cover: { title: 'The source failed', ...(state.message ? { text: state.message } : {}) },
      };
    case 'ended':
      return { tone: 'plain', text: 'Ended', cover: { title: 'The source has ended' } };
    case 'resting':
      return waiting('Waking up');
    case 'live':
  }
  if (player === 'blocked') {
    return {
      tone: 'plain',
      text: 'Press play',
      cover: { title: 'Ready', text: 'The browser waits for you.', ask: 'play' },
    };
  }
  if (state.paused) return { tone: 'plain', text: 'Paused' };
  if (player === 'idle') return waiting('Waiting for the first picture');
  return { tone: 'good', text: camera === 'sending' ? 'Live, from this camera' : 'Live' };
}

function waiting(title: string, text?: string): Status {
  return { tone: 'wait', text: title, cover: { title, busy: true, ...(text ? { text } : {}) } };
}
