import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { isSupportedNode, lowestNode } from '../../src/cli/node-version.ts';
import { readImports } from '../support/import-graph.ts';

/* The program as an old Node meets it is run by scripts/check-own-node.mjs, where the machine has one. */

const read = (path: string): string => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8');

test.each([
  ['18.20.8', false],
  ['20.11.0', false],
  ['22.21.1', false],
  ['24.14.9', false],
  ['24.15.0', true],
  ['26.0.0', true],
])('Node %s: %s', (version, isSupported) => {
  expect(isSupportedNode(version)).toBe(isSupported);
});

test('npm start and the program want the same Node', () => {
  expect(read('scripts/prepare.mjs')).toContain(`const LOWEST_NODE = [${lowestNode.join(', ')}];`);
});

test('before the version is checked, nothing is loaded that an old Node lacks', () => {
  const loaded = ['src/main.ts', 'src/cli/node-version.ts', 'src/cli/begin-anew.ts'].flatMap((file) =>
    readImports(file, read(file)).map(({ target }) => target),
  );
  expect(loaded.filter((target) => !target.startsWith('node:'))).toEqual([
    'src/cli/begin-anew.ts',
    'src/cli/node-version.ts',
    'src/cli/run-cli.ts',
  ]);
  expect(read('src/main.ts')).toMatch(
    /isSupportedNode\(\)\) \{[\s\S]*await import\('\.\/cli\/run-cli\.ts'\)/,
  );
});
