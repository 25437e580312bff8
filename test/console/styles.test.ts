import { existsSync, globSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';
import { projectRoot } from '../support/import-graph.ts';

test('the styles of each component in use are loaded, in the order of the whole style sheet', () => {
  const mantine = dirname(createRequire(import.meta.url).resolve('@mantine/core/styles.css'));
  const whole = readFileSync(join(mantine, 'styles.css'), 'utf8');
  const styleOf = (name: string) => join(mantine, 'styles', `${name}.css`);
  const sources = globSync('web/src/**/*.tsx', { cwd: projectRoot }).map((path) =>
    readFileSync(join(projectRoot, path), 'utf8'),
  );
  const used = sources
    .flatMap((source) => [...source.matchAll(/import \{([^}]*)\} from '@mantine\/core'/g)])
    .flatMap(([, names = '']) => names.split(',').map((name) => name.trim()));
  const loaded = [
    ...readFileSync(join(projectRoot, 'web/src/frame/mantine.ts'), 'utf8').matchAll(
      /styles\/([\w-]+)\.css'/g,
    ),
  ].map(([, name = '']) => name);
  expect(used.filter((name) => existsSync(styleOf(name)) && !loaded.includes(name))).toEqual([]);
  const places = loaded.map((name) =>
    whole.indexOf(readFileSync(styleOf(name), 'utf8').trim().slice(0, 200)),
  );
  expect(places).toEqual(places.toSorted((one, other) => one - other));
});
