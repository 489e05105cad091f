import { defineConfig } from 'vite';

/** Builds the page that `deblur serve` shows into dist/web. */
export default defineConfig({
  root: import.meta.dirname,
  base: './',
  build: {
    outDir: '../dist/web',
    emptyOutDir: true,
    target: 'es2022',
    // The page's content security policy allows files of its own server only.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    rollupOptions: {
      onwarn(warning, warn) {
        // A comment inside zod that the bundler cannot use.
        if (warning.code !== 'INVALID_ANNOTATION') warn(warning);
      },
    },
  },
});
