import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { packagePath } from '../../src/package-root.js';
import { clientMessage, closeCodes, liveState, serverMessage, wireErrorCodes } from '../../src/protocol/index.js';

const page = readFileSync(packagePath('docs/protocol.md'), 'utf8');

/** The literal types of a union of messages. */
function typesOf(schema: { options: readonly unknown[] }): string[] {
  return schema.options.flatMap((option) => {
    const { shape, options } = option as { shape?: { type: { value: string } }; options?: readonly unknown[] };
    return shape ? [shape.type.value] : typesOf({ options: options ?? [] });
  });
}

describe('docs/protocol.md', () => {
  it('names every message', () => {
    for (const type of [...typesOf(serverMessage), ...typesOf(clientMessage)]) expect(page).toContain(`\`${type}\``);
  });

  it('names every code of a close frame and of an error', () => {
    for (const code of Object.values(closeCodes)) expect(page).toMatch(new RegExp(`^\\| +${code} `, 'm'));
    for (const code of wireErrorCodes) expect(page).toContain(`\`${code}\``);
  });

  it('shows a state and a hello that are right', () => {
    const examples = [...page.matchAll(/```json\n([\s\S]*?)```/g)].map(([, text]) => JSON.parse(text!) as object);
    const kinds = examples.map((example) => {
      if (liveState.safeParse(example).success) return 'state';
      if (serverMessage.safeParse(example).success) return 'server';
      return clientMessage.safeParse(example).success ? 'client' : 'none';
    });
    expect(kinds).toEqual(['client', 'server', 'state', 'client']);
  });
});
