/** Keeps the table of imports that docs/design.md describes. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import {
  findCircles,
  listSources,
  packageName,
  projectRoot,
  reach,
  readImportGraph,
  readImports,
} from './support/import-graph.ts';
import type { Import, ImportGraph } from './support/import-graph.ts';
import { parts } from './support/architecture/parts.ts';
import type { Rule } from './support/architecture/rule.ts';
import { services } from './support/architecture/services.ts';
import { unreachable } from './support/architecture/unreachable.ts';

/** The longest name that fits decides. */
const rules: Readonly<Record<string, Rule>> = { ...parts, ...services };
/** Longer files, and why each is one file. */
const longFiles: Readonly<Record<string, string>> = {};
const longestLines = 250;
const graph = readImportGraph('src');
test('every import obeys the table of imports', () => {
  expect(findViolations(graph)).toEqual([]);
});
test('workflow code does no I/O, and serving code never waits, over any number of imports', () => {
  expect(findReached(graph)).toEqual([]);
});
test('no imports form a circle, imports of types included', () => {
  expect(findCircles(graph)).toEqual([]);
});
test('every folder of src has its row in the table', () => {
  expect(listSources('src').filter((file) => ruleOf(file) === undefined)).toEqual([]);
});
test(`no file of src and web/src has more than ${longestLines} lines without a reason`, () => {
  const long = [...listSources('src'), ...listSources('web/src')]
    .filter((file) => !file.endsWith('.d.ts'))
    .map((file) => ({ file, lines: readProjectFile(file).trimEnd().split('\n').length }))
    .filter(({ lines }) => lines > longestLines);
  const unexplained = long
    .filter(({ file }) => longFiles[file] === undefined)
    .map(({ file, lines }) => `${file} has ${lines} lines: split it, or say in longFiles why it is one file`);
  const stale = Object.keys(longFiles).filter((name) => !long.some(({ file }) => file === name));
  expect([...unexplained, ...stale.map((name) => `${name} is no longer long: drop its entry`)]).toEqual([]);
});
describe('dependencies', () => {
  const manifest = JSON.parse(readProjectFile('package.json')) as Record<string, Record<string, string>>;
  const runtime = Object.keys(manifest['dependencies'] ?? {});
  const others = [
    ...Object.keys(manifest['devDependencies'] ?? {}),
    ...Object.keys(manifest['optionalDependencies'] ?? {}),
  ];
  const imported = new Set([...graph.values()].flat().flatMap(({ target }) => packageName(target) ?? []));
  const reasons = readReasons();

  test('each has its line of reason in CONTRIBUTING.md, and each line its dependency', () => {
    expect([...reasons.keys()].sort()).toEqual([...runtime, ...others].sort());
    expect([...reasons].filter(([, reason]) => reason.length < 10)).toEqual([]);
  });

  test('each of the program is imported in src, or its line says "not imported"', () => {
    const unused = runtime.filter(
      (name) => !imported.has(name) && !/not imported/.test(reasons.get(name) ?? ''),
    );
    const wronglyExcused = runtime.filter(
      (name) => imported.has(name) && /not imported/.test(reasons.get(name) ?? ''),
    );
    expect({ unused, wronglyExcused }).toEqual({ unused: [], wronglyExcused: [] });
  });

  test('every import of src is a direct dependency', () => {
    expect([...imported].filter((name) => !runtime.includes(name))).toEqual([]);
  });
});
const given = (file: string, ...imports: (string | Import)[]): ImportGraph =>
  new Map([[file, imports.map((one) => (typeof one === 'string' ? { target: one, typeOnly: false } : one))]]);
const through = (typeOnly: boolean): ImportGraph =>
  new Map([
    ['src/workflows/x.ts', [{ target: 'src/oci/y.ts', typeOnly }]],
    ['src/oci/y.ts', [{ target: 'node:crypto', typeOnly: false }]],
  ]);
describe('the checks themselves', () => {
  test.each([
    [
      given('src/workflows/x.ts', 'undici'),
      ['src/workflows/x.ts may not import undici: workflows do no I/O (docs/design.md)'],
    ],
    [
      given('src/workflows/x.ts', 'node:fs'),
      ['src/workflows/x.ts may not import node:fs: workflows do no I/O (docs/design.md)'],
    ],
    [
      given('src/workflows/x.ts', 'src/activities/y.ts'),
      ['src/workflows/x.ts may not import src/activities/y.ts: workflows do no I/O (docs/design.md)'],
    ],
    [given('src/workflows/x.ts', { target: 'src/activities/y.ts', typeOnly: true }), []],
    [
      given('src/oci/x.ts', { target: 'src/db/y.ts', typeOnly: true }),
      ['src/oci/x.ts may not import src/db/y.ts: the specs are pure and stand on nothing (docs/design.md)'],
    ],
    [
      given('src/content/x.ts', 'src/db/y.ts'),
      ['src/content/x.ts may not import src/db/y.ts: the blob store knows the specs only (docs/design.md)'],
    ],
    [given('src/db/x.ts', '@mikro-orm/core/y', 'src/oci/z.ts', 'node:net'), []],
    [given('src/processes/x.ts', 'src/workflows/y.ts', 'undici', 'node:fs'), []],
  ])('%#: one import against the table', (one, expected) => {
    expect(findViolations(one)).toEqual(expected);
  });

  test('a module that a workflow reaches through a pure file is found; through a type it is not', () => {
    expect(findReached(through(false))).toEqual([
      'src/workflows/x.ts may not reach node:crypto (imported by src/oci/y.ts): workflows do no I/O (docs/design.md)',
    ]);
    expect(findReached(through(true))).toEqual([]);
  });

  test('a circle through types is found, with all of its files', () => {
    const files: ImportGraph = new Map([
      ['src/a.ts', [{ target: 'src/b.ts', typeOnly: true }]],
      ['src/b.ts', [{ target: 'src/a.ts', typeOnly: false }]],
      ['src/c.ts', [{ target: 'src/a.ts', typeOnly: false }]],
    ]);
    expect(findCircles(files)).toEqual([['src/a.ts', 'src/b.ts']]);
  });

  test('imports are read from every form that the sources use', () => {
    const source = [
      "import { a,\n  b } from './a.ts';",
      "import type { C } from '../content/c.ts';",
      "import type D from 'd';",
      "export { e } from './e.ts';",
      "export type { F } from './f.ts';",
      "import * as g from 'node:fs';",
      "import 'reflect-metadata';",
      "const h = await import('h/sub');",
      "import i, { j } from '@scope/i/sub';",
      "// import { no } from 'comment';",
      "const text = 'import nothing';",
    ].join('\n');
    expect(
      readImports('src/oci/x.ts', source).map(
        ({ target, typeOnly }) => `${typeOnly ? 'type ' : ''}${target}`,
      ),
    ).toEqual([
      'src/oci/a.ts',
      'type src/content/c.ts',
      'type d',
      'src/oci/e.ts',
      'type src/oci/f.ts',
      'node:fs',
      'reflect-metadata',
      '@scope/i/sub',
      'h/sub',
    ]);
  });
});
function findViolations(imports: ImportGraph): string[] {
  return [...imports].flatMap(([file, targets]) => {
    const rule = ruleOf(file);
    if (rule === undefined || rule.folders === 'all') return [];
    return targets
      .filter((one) => !isAllowed(file, rule, one))
      .map(({ target }) => `${file} may not import ${target}: ${rule.why} (docs/design.md)`);
  });
}
function isAllowed(file: string, rule: Rule, { target, typeOnly }: Import): boolean {
  if (rule.folders === 'all') return true;
  if (target.startsWith('node:')) return rule.node === undefined || rule.node.includes(target);
  const name = packageName(target);
  if (name !== undefined)
    return (rule.packages ?? []).some((allowed) =>
      allowed.endsWith('/*') ? name.startsWith(allowed.slice(0, -1)) : name === allowed,
    );
  const own = ruleName(file);
  // src/api/ holds its subfolders, whose own rows say what they may import
  if (own !== undefined && target.startsWith(own)) return true;
  const folders = [...rule.folders, ...(typeOnly ? (rule.typesOf ?? []) : [])];
  return folders.some((folder) => target.startsWith(folder));
}
function findReached(imports: ImportGraph): string[] {
  return unreachable.flatMap(({ from, forbidden, why }) =>
    [...imports.keys()]
      .filter((file) => file.startsWith(from))
      .flatMap((file) =>
        reach(imports, file)
          .filter(({ target }) => forbidden(target))
          .map(
            ({ target, by }) =>
              `${file} may not reach ${target} (imported by ${by}): ${why} (docs/design.md)`,
          ),
      ),
  );
}
function ruleOf(file: string): Rule | undefined {
  return rules[ruleName(file) ?? ''];
}
function ruleName(file: string): string | undefined {
  return Object.keys(rules)
    .filter((name) => file.startsWith(name))
    .sort((one, other) => other.length - one.length)[0];
}
/** The lines "- `name`[, `name`]: reason" below "## Dependencies" of CONTRIBUTING.md. */
function readReasons(): Map<string, string> {
  const [, section = ''] = readProjectFile('CONTRIBUTING.md').split(/^## Dependencies$/m);
  const [own = ''] = section.split(/^## /m);
  const reasons = new Map<string, string>();
  for (const [, names = '', reason = ''] of own.matchAll(/^- (`[^:]+`): (.*(?:\n {2}.*)*)/gm)) {
    for (const [, name = ''] of names.matchAll(/`([^`]+)`/g)) reasons.set(name, reason);
  }
  return reasons;
}
function readProjectFile(path: string): string {
  return readFileSync(join(projectRoot, path), 'utf8');
}
