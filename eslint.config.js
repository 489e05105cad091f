import js from '@eslint/js';
import tseslint from 'typescript-eslint';

/** Rooms a folder must not import from; the house's one-way street. */
function forbid(files, ...rooms) {
  const patterns = rooms.map((room) => ({
    regex: `/${room}/`,
    message: `imports point one way; see docs/architecture.md`,
  }));
  return { files, rules: { 'no-restricted-imports': ['error', { patterns }] } };
}

export default tseslint.config(
  { ignores: ['dist/', 'docs/api/', 'demo/', 'test/fixtures/', 'runs/'] },
  js.configs.recommended,
  tseslint.configs.recommendedTypeChecked,
  tseslint.configs.stylisticTypeChecked,
  {
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: {
      '@typescript-eslint/no-floating-promises': 'error',
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true, allowBoolean: true }],
      '@typescript-eslint/consistent-type-definitions': ['error', 'interface'],
      '@typescript-eslint/switch-exhaustiveness-check': 'error',
    },
  },
  { files: ['**/*.js'], extends: [tseslint.configs.disableTypeChecked] },
  forbid(['src/io/**'], 'models', 'runtime', 'temporal', 'pipeline', 'train', 'live', 'serve', 'client', 'cli'),
  forbid(['src/models/**'], 'io', 'runtime', 'temporal', 'pipeline', 'train', 'live', 'serve', 'client', 'cli'),
  forbid(['src/runtime/**'], 'temporal', 'pipeline', 'train', 'live', 'serve', 'client', 'cli'),
  forbid(['src/temporal/**'], 'pipeline', 'train', 'live', 'serve', 'client', 'cli'),
  forbid(['src/pipeline/**'], 'train', 'live', 'serve', 'client', 'cli'),
  forbid(['src/train/**'], 'live', 'serve', 'client', 'cli'),
  forbid(['src/live/**'], 'train', 'serve', 'client', 'cli'),
  forbid(['src/serve/**'], 'train', 'client', 'cli'),
  // The page runs them: nothing of Node's side may come along.
  forbid(['src/protocol/**'], 'io', 'models', 'runtime', 'pipeline', 'train', 'live', 'serve', 'client', 'cli'),
  forbid(['src/client/**'], 'io', 'models', 'runtime', 'pipeline', 'train', 'live', 'serve', 'cli'),
);
