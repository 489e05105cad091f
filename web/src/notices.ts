import { make, icon, need } from './elements.js';

/** How long a notice stays, in milliseconds. Errors and what can be clicked stay until they are closed. */
const staysFor = 5000;

/** What a notice shows beside its text. */
export interface NoticeOptions {
  tone?: 'plain' | 'bad';
  content?: Node;
  /** Called when it is gone. */
  onClose?: () => void;
}

/** Shows a message in the corner, which screen readers read out. */
export function notify(text: string, { tone = 'plain', content, onClose }: NoticeOptions = {}): void {
  const close = make('button', { class: 'ghost', type: 'button', 'aria-label': 'Close' }, icon('cross'));
  const notice = make('div', { class: 'notice', 'data-tone': tone }, make('span', {}, text), close);
  if (content) notice.append(content);
  const remove = () => {
    clearTimeout(timer);
    notice.remove();
    onClose?.();
  };
  close.addEventListener('click', remove);
  const timer = tone === 'plain' && !content ? setTimeout(remove, staysFor) : undefined;
  const place = need('notices', HTMLElement);
  place.append(notice);
  // Three are enough to read.
  while (place.childElementCount > 3) place.querySelector<HTMLButtonElement>('.notice button')?.click();
}

/** Shows an error's sentence, and what to do about it. */
export function notifyError(error: unknown): void {
  const { message, hint } = error as { message?: string; hint?: string };
  notify([message ?? String(error), hint].filter(Boolean).join(' '), { tone: 'bad' });
}
