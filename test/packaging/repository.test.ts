/** What is about the repository itself: workflows, templates, and the version that a release would have. */
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { projectRoot } from '../support/import-graph.ts';

interface Workflow {
  readonly permissions?: Record<string, string>;
  readonly jobs: Record<
    string,
    {
      readonly uses?: string;
      readonly needs?: string[];
      readonly permissions?: Record<string, string>;
      readonly 'timeout-minutes'?: number;
      readonly steps?: readonly {
        readonly uses?: string;
        readonly run?: string;
        readonly with?: Record<string, unknown>;
      }[];
    }
  >;
}

const read = (...path: string[]): string => readFileSync(join(projectRoot, ...path), 'utf8');
const workflow = (name: string): Workflow => parse(read('.github', 'workflows', name)) as Workflow;

test.each(['ci.yml', 'release.yml'])(
  '%s reads only, bounds each job, and lets no expression into a shell',
  (name) => {
    const { permissions, jobs } = workflow(name);
    expect(permissions).toEqual({ contents: 'read' });
    for (const [job, { uses, steps = [], 'timeout-minutes': timeout }] of Object.entries(jobs)) {
      if (uses === undefined) expect(timeout, job).toBeGreaterThan(0);
      expect(steps.filter(({ run = '' }) => run.includes('${{'))).toEqual([]);
      const checkouts = steps.filter((step) => step.uses?.startsWith('actions/checkout@') === true);
      for (const checkout of checkouts) expect(checkout.with).toMatchObject({ 'persist-credentials': false });
    }
  },
);

test('a release runs every check first, and its image has provenance, an SBOM and a signature', () => {
  const { jobs } = workflow('release.yml');
  expect(jobs['checks']?.uses).toBe('./.github/workflows/ci.yml');
  const { image } = jobs;
  expect(image?.needs).toEqual(['checks', 'version']);
  expect(image?.permissions).toMatchObject({ packages: 'write', 'id-token': 'write' });
  const build = image?.steps?.find(({ uses = '' }) => uses.startsWith('docker/build-push-action@'));
  expect(build?.with).toMatchObject({ push: true, provenance: 'mode=max', sbom: true });
  expect(image?.steps?.filter(({ run = '' }) => run.includes('cosign sign --yes'))).toHaveLength(2);
});

test('CI runs what a person runs', () => {
  expect(workflow('ci.yml').jobs['checks']?.steps?.at(-1)?.run).toBe('bash .ci/run');
});

test('the version of package.json is the latest one in CHANGELOG.md', () => {
  const { version } = JSON.parse(read('package.json')) as { version: string };
  expect(/^## \[([0-9.]+)\] - \d{4}-\d\d-\d\d$/m.exec(read('CHANGELOG.md'))?.[1]).toBe(version);
});

test('renovate.json names packages that package.json has', () => {
  const { dependencies, devDependencies, optionalDependencies } = JSON.parse(read('package.json')) as Record<
    string,
    Record<string, string>
  >;
  const known = Object.keys({ ...dependencies, ...devDependencies, ...optionalDependencies });
  const { packageRules } = JSON.parse(read('renovate.json')) as {
    packageRules: { matchPackageNames: string[] }[];
  };
  const unknown = packageRules
    .flatMap(({ matchPackageNames }) => matchPackageNames)
    .filter(
      (name) =>
        !known.some((other) => (name.endsWith('**') ? other.startsWith(name.slice(0, -2)) : other === name)),
    );
  expect(unknown).toEqual([]);
});

test('each form for issues has fields that GitHub knows', () => {
  const forms = readdirSync(join(projectRoot, '.github', 'ISSUE_TEMPLATE')).filter(
    (name) => name !== 'config.yml',
  );
  expect(forms.sort()).toEqual(['bug.yml', 'feature.yml']);
  for (const form of forms) {
    const { name, description, body } = parse(read('.github', 'ISSUE_TEMPLATE', form)) as Record<
      string,
      unknown
    > & { body: { type: string }[] };
    expect([typeof name, typeof description]).toEqual(['string', 'string']);
    expect(
      body.filter(({ type }) => !['markdown', 'textarea', 'input', 'dropdown', 'checkboxes'].includes(type)),
    ).toEqual([]);
  }
});
