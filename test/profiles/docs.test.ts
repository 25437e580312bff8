/** docs/registries.md lists the registries of the matrix, and no others. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { projectRoot } from '../support/import-graph.ts';
import { allRegistries } from '../support/profiles/registries.ts';

const page = readFileSync(join(projectRoot, 'docs/registries.md'), 'utf8');
const firstTable = page.slice(0, page.indexOf('\n## '));
const rows = [...firstTable.matchAll(/^\| ([^|]+?) \|.*\|$/gm)].map(([, name = '']) => name);

test('each registry of the matrix has a row, and each row is tested', () => {
  expect(rows.slice(1).sort()).toEqual(allRegistries.map(({ name }) => name).sort());
});

test.each(allRegistries)('$name: its row says where referrers are', ({ name, referrers }) => {
  const row = page.split('\n').find((line) => line.startsWith(`| ${name} |`));
  const [, , , , said = ''] = row?.split('|') ?? [];
  const expected = { api: 'API', 'fallback-tag': 'fallback tag', redirect: 'fallback tag', phantom: 'none' };
  expect(said.trim()).toMatch(new RegExp(`^${expected[referrers.kind]}`));
});
