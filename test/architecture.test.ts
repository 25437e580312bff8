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

interface Rule {
  /** Folders, or single files, of ours; its own is always allowed. `all`: the composition root. */
  readonly folders: readonly string[] | 'all';
  /** Folders of which only types may be imported. */
  readonly typesOf?: readonly string[];
  /** npm packages; `@scope/*` for all of a scope. Left out where `folders` is `all`. */
  readonly packages?: readonly string[];
  /** Modules of Node. Left out: any. */
  readonly node?: readonly string[];
  /** The end of the sentence "… may not import …:". */
  readonly why: string;
}

const composition: Rule = { folders: 'all', why: 'it puts the parts together' };

/** The longest name that fits decides. */
const rules: Readonly<Record<string, Rule>> = {
  'src/oci/': {
    folders: [],
    packages: [],
    node: ['node:crypto', 'node:net'],
    why: 'the specs are pure and stand on nothing',
  },
  'src/selection/': {
    folders: ['src/oci/'],
    packages: ['re2js', 'semver'],
    node: ['node:timers/promises'],
    why: 'the rules of a selection are pure',
  },
  'src/timetables/': {
    folders: ['src/oci/'],
    packages: [],
    node: [],
    why: 'timetables are pure',
  },
  'src/webhooks/': {
    folders: ['src/oci/'],
    packages: [],
    node: ['node:crypto'],
    why: 'a message is a function of its event',
  },
  'src/client-config/': {
    folders: ['src/oci/'],
    packages: [],
    node: [],
    why: 'the files of a client are a function of its settings',
  },
  'src/threads/': {
    folders: ['src/oci/'],
    packages: [],
    why: 'what runs beside the event loop knows the specs only',
  },
  'src/estate/': {
    folders: ['src/oci/', 'src/selection/'],
    packages: ['ajv', 'yaml'],
    node: ['node:fs', 'node:fs/promises', 'node:path'],
    why: 'tidemark.yaml is read without a server',
  },
  'src/files/': {
    folders: [],
    packages: [],
    node: ['node:fs/promises'],
    why: 'writing durably needs nothing else',
  },
  'src/registry/': {
    folders: ['src/oci/', 'src/threads/', 'src/telemetry/events.ts'],
    packages: ['undici'],
    why: 'the client of an upstream knows the specs only',
  },
  'src/content/': {
    folders: ['src/oci/', 'src/files/'],
    packages: ['@aws-sdk/client-s3', '@aws-sdk/s3-request-presigner'],
    why: 'the blob store knows the specs only',
  },
  'src/db/': {
    folders: [
      'src/oci/',
      'src/selection/',
      'src/timetables/',
      'src/webhooks/',
      'src/telemetry/events.ts',
      'src/telemetry/trace-context.ts',
    ],
    packages: ['@mikro-orm/*', 'kysely', 'pg'],
    why: 'the database knows the specs only',
  },
  'src/trust/': {
    folders: ['src/oci/', 'src/threads/'],
    packages: ['@sigstore/*', 'openpgp'],
    why: 'verification knows the specs only',
  },
  'src/access/': {
    folders: ['src/oci/', 'src/db/', 'src/files/'],
    packages: [
      'jose',
      'openid-client',
      '@aws-sdk/client-ecr',
      '@aws-sdk/credential-providers',
      '@azure/identity',
      'google-auth-library',
    ],
    why: 'access and secrets stand on the database only',
  },
  'src/operations/': {
    folders: [
      'src/oci/',
      'src/selection/',
      'src/timetables/',
      'src/client-config/',
      'src/webhooks/',
      'src/db/',
      'src/access/',
    ],
    typesOf: ['src/workflows/'],
    packages: ['@mikro-orm/core'],
    why: 'operations validate, ask for the role, and write',
  },
  'src/estate/convert/': {
    folders: [
      'src/oci/',
      'src/selection/',
      'src/operations/schedules/cron.ts',
      'src/estate/escape-variables.ts',
    ],
    packages: ['re2js', 'yaml'],
    node: ['node:path'],
    why: 'a file is converted without a server',
  },
  'src/upstream/': {
    folders: [
      'src/oci/',
      'src/selection/',
      'src/timetables/',
      'src/threads/',
      'src/registry/',
      'src/content/',
      'src/db/',
      'src/trust/',
      'src/access/',
    ],
    packages: [],
    why: 'syncs and pulls share how a remote is reached, and neither knows Temporal there',
  },
  'src/activities/': {
    folders: [
      'src/oci/',
      'src/selection/',
      'src/timetables/',
      'src/threads/',
      'src/registry/',
      'src/content/',
      'src/db/',
      'src/trust/',
      'src/access/',
      'src/upstream/',
      'src/webhooks/',
      'src/telemetry/',
      'src/workflows/search-attributes.ts',
      'src/workflows/sync-input.ts',
      'src/workflows/sync-stages.ts',
    ],
    typesOf: ['src/workflows/'],
    packages: ['@temporalio/activity', '@temporalio/common', 'dataloader', 'kysely', 'pino'],
    why: 'activities are handed what they need by createActivities(deps)',
  },
  'src/activities/rules/': {
    folders: [
      'src/oci/',
      'src/selection/',
      'src/registry/',
      'src/db/',
      'src/access/',
      'src/upstream/',
      'src/operations/',
      'src/activities/',
    ],
    typesOf: ['src/workflows/'],
    packages: ['@temporalio/activity'],
    why: 'a mirror rule makes repositories as its maker would, by the operations',
  },
  'src/on-demand/proxies/': {
    folders: [
      'src/oci/',
      'src/selection/',
      'src/registry/',
      'src/db/',
      'src/access/',
      'src/upstream/',
      'src/operations/',
      'src/on-demand/',
    ],
    packages: ['pino'],
    why: 'a proxy makes repositories as its maker would, by the operations',
  },
  'src/on-demand/': {
    folders: [
      'src/oci/',
      'src/selection/',
      'src/registry/',
      'src/content/',
      'src/db/',
      'src/access/',
      'src/upstream/',
    ],
    packages: ['pino'],
    why: 'what is fetched for a client that waits needs neither the API nor Temporal',
  },
  'src/workflows/': {
    folders: ['src/oci/'],
    typesOf: ['src/activities/'],
    packages: ['@temporalio/workflow'],
    node: [],
    why: 'workflows do no I/O',
  },
  'src/api/graphql/': {
    folders: ['src/oci/', 'src/selection/', 'src/webhooks/', 'src/db/', 'src/access/', 'src/operations/'],
    typesOf: ['src/client-config/', 'src/workflows/', 'src/api/dependencies.ts', 'src/api/task-watch.ts'],
    packages: [
      'graphql',
      'graphql-scalars',
      'type-graphql',
      'dataloader',
      'reflect-metadata',
      '@mikro-orm/core',
    ],
    why: 'resolvers are thin and reach the rest through ApiDependencies',
  },
  'src/api/distribution/': {
    folders: [
      'src/oci/',
      'src/threads/',
      'src/db/',
      'src/content/',
      'src/access/',
      'src/telemetry/events.ts',
    ],
    typesOf: ['src/api/dependencies.ts'],
    packages: ['fastify'],
    why: 'serving reads only the database and the blob store',
  },
  'src/api/web/': {
    folders: [],
    packages: ['@fastify/static', 'fastify'],
    why: 'the pages are given what they show',
  },
  'src/api/': {
    folders: [
      'src/oci/',
      'src/db/',
      'src/access/',
      'src/operations/',
      'src/telemetry/',
      'src/workflows/search-attributes.ts',
      'src/workflows/sync-input.ts',
      'src/workflows/scheduled-syncs-input.ts',
      'src/workflows/upkeep-input.ts',
      'src/workflows/rule-input.ts',
      'src/workflows/webhook-input.ts',
    ],
    typesOf: ['src/content/'],
    packages: [
      '@apollo/server',
      '@as-integrations/fastify',
      '@mikro-orm/core',
      '@temporalio/client',
      'fastify',
      'graphql',
      'graphql-sse',
      'graphql-ws',
      'kysely',
      'pino',
      'prom-client',
      'ws',
    ],
    why: 'the API reads the database and starts workflows by name',
  },
  'src/telemetry/': {
    folders: ['src/oci/'],
    packages: [
      'prom-client',
      '@opentelemetry/*',
      '@temporalio/interceptors-opentelemetry',
      '@temporalio/worker',
    ],
    why: 'every part may tell what it does, so it knows none of them',
  },
  'src/demo/': { folders: ['src/oci/'], packages: [], why: 'samples know the specs only' },
  'src/embedded/': composition,
  'src/processes/': composition,
  'src/cli/': composition,
  'src/main.ts': composition,
  'src/config.ts': composition,
  'src/config-docker-hub.ts': composition,
  'src/config-logins.ts': composition,
  'src/config-telemetry.ts': composition,
  'src/config-values.ts': composition,
};

/** What must not run when these run, however many imports away. */
const unreachable: readonly {
  readonly from: string;
  readonly forbidden: (target: string) => boolean;
  readonly why: string;
}[] = [
  {
    from: 'src/workflows/',
    forbidden: (target) =>
      target.startsWith('node:') || !/^(src\/workflows\/|src\/oci\/|@temporalio\/workflow$)/.test(target),
    why: 'workflows do no I/O',
  },
  {
    from: 'src/api/distribution/',
    forbidden: (target) => /^(src\/(registry|activities|workflows)\/|@temporalio\/|undici)/.test(target),
    why: 'serving never waits for Temporal or an upstream',
  },
  {
    from: 'src/on-demand/',
    forbidden: (target) => /^(src\/(api|workflows)\/|@temporalio\/)/.test(target),
    why: 'a pull never waits for Temporal',
  },
];

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
