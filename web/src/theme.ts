import { setIcon } from './elements.js';

const key = 'deblur-theme';

type Theme = 'dark' | 'light';

/** Dark or light: as the person chose before, else as the system is set. */
export function setUpTheme(button: HTMLButtonElement): void {
  const light = matchMedia('(prefers-color-scheme: light)');
  const present = (): Theme => {
    const chosen = localStorage.getItem(key);
    if (chosen === 'dark' || chosen === 'light') return chosen;
    return light.matches ? 'light' : 'dark';
  };
  const show = () => {
    const theme = present();
    const other: Theme = theme === 'dark' ? 'light' : 'dark';
    document.documentElement.dataset['theme'] = theme;
    button.setAttribute('aria-label', `Use the ${other} theme`);
    button.title = `Use the ${other} theme`;
    setIcon(button, other === 'light' ? 'sun' : 'moon');
  };
  button.addEventListener('click', () => {
    localStorage.setItem(key, present() === 'dark' ? 'light' : 'dark');
    show();
  });
  light.addEventListener('change', show);
  show();
}
