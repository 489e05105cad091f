/** What a key does, by its name as `KeyboardEvent.key` tells it. */
export type Shortcuts = Readonly<Record<string, () => void>>;

/** Elements that keys belong to while they have the focus. */
const typing = 'input:not([type="radio"]):not([type="range"]), select, textarea, [contenteditable], dialog';
/** Elements that use the space bar themselves. */
const pressed = 'button, a[href], input, label';

/** Listens for keys that no control has the use of. Keys with Shift are named `Shift+…`. */
export function listenForShortcuts(shortcuts: Shortcuts): void {
  document.addEventListener('keydown', (event) => {
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
    const { target } = event;
    if (target instanceof Element && target.closest(typing)) return;
    if (event.key === ' ' && target instanceof Element && target.closest(pressed)) return;
    const name = event.key.length === 1 ? event.key.toLowerCase() : event.key;
    const action = (event.shiftKey ? shortcuts[`Shift+${name}`] : undefined) ?? shortcuts[name];
    if (!action || (event.repeat && !name.startsWith('Arrow'))) return;
    event.preventDefault();
    action();
  });
}
