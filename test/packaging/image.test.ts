/** The Dockerfile as it is written, and the step that makes the image small. scripts/compose-journey builds the image. */
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { projectRoot } from '../support/import-graph.ts';

describe('Dockerfile', () => {
  const dockerfile = readFileSync(join(projectRoot, 'Dockerfile'), 'utf8');
  const stages = dockerfile.split(/^(?=FROM )/m).slice(1);

  test('ends in a stage on glibc, without root, with a health check', () => {
    const last = stages.at(-1) ?? '';
    expect(stages.filter((stage) => !/^FROM node:24-bookworm-slim( |\n)/.test(stage))).toEqual([]);
    expect(last).toMatch(/^USER node$/m);
    // what listens for others asks who they are
    expect(last).toMatch(/TIDEMARK_HOST=0\.0\.0\.0 \\\n +TIDEMARK_AUTH=tokens/);
    expect(last).toMatch(/^HEALTHCHECK [^]*\/readyz/m);
    expect(last).not.toMatch(/npm (ci|install)/);
  });

  test('copies only what .dockerignore lets in, and what is there', () => {
    const allowed = readFileSync(join(projectRoot, '.dockerignore'), 'utf8')
      .split('\n')
      .filter((line) => line.startsWith('!'))
      .map((line) => line.slice(1));
    const sources = [...dockerfile.matchAll(/^COPY (?!--from)(.*) \S+$/gm)].flatMap(([, names = '']) =>
      names.split(' '),
    );
    expect(sources.sort()).toEqual(allowed.sort());
    expect(spawnSync('ls', ['-d', ...sources], { cwd: projectRoot }).status).toBe(0);
  });

  test('is labelled with the version, licence and description of package.json', () => {
    const { version, license, description } = JSON.parse(
      readFileSync(join(projectRoot, 'package.json'), 'utf8'),
    ) as Record<string, string>;
    const labels = new Map(
      [...dockerfile.matchAll(/org\.opencontainers\.image\.(\S+)="([^"]*)"/g)].map(([, name, value]) => [
        name,
        value,
      ]),
    );
    expect(Object.fromEntries(labels)).toEqual({
      title: 'Tidemark',
      description,
      version,
      revision: '$REVISION',
      licenses: license,
      'base.name': 'docker.io/library/node:24-bookworm-slim',
    });
  });
});

describe('trim-image.mjs', () => {
  const folder = mkdtempSync(join(tmpdir(), 'tidemark-trim-'));
  const modules = join(folder, 'node_modules');
  const sbomPath = join(folder, 'sbom.json');
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  function write(path: string, content: unknown): void {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), typeof content === 'string' ? content : JSON.stringify(content));
  }

  beforeAll(() => {
    const manifests: Record<string, object> = {
      '.': {
        name: 'tidemark',
        dependencies: { '@temporalio/worker': '1', used: '1' },
        optionalDependencies: { embedded: '1' },
      },
      'node_modules/@temporalio/worker': {
        name: '@temporalio/worker',
        version: '1.0.0',
        dependencies: { webpack: '1', memfs: '1', unionfs: '1' },
      },
      'node_modules/@temporalio/core-bridge': { name: '@temporalio/core-bridge', version: '1.0.0' },
      'node_modules/used': {
        name: 'used',
        version: '1.0.0',
        dependencies: { inner: '2', '@temporalio/core-bridge': '1' },
      },
      'node_modules/used/node_modules/inner': { name: 'inner', version: '2.0.0' },
      'node_modules/inner': { name: 'inner', version: '1.0.0' },
      'node_modules/webpack': { name: 'webpack', version: '5.0.0', dependencies: { inner: '1' } },
      'node_modules/memfs': { name: 'memfs', version: '4.0.0' },
      'node_modules/unionfs': { name: 'unionfs', version: '4.0.0' },
      'node_modules/embedded': { name: 'embedded', version: '1.0.0' },
    };
    for (const [path, manifest] of Object.entries(manifests)) write(join(path, 'package.json'), manifest);
    for (const name of ['x86_64-unknown-linux-gnu', 'aarch64-unknown-linux-gnu', 'x86_64-apple-darwin'])
      write(`node_modules/@temporalio/core-bridge/releases/${name}/index.node`, name);
    write('node_modules/@temporalio/core-bridge/sdk-core/src/lib.rs', '');
    write('node_modules/.bin/webpack', '');
    for (const name of ['index.js', 'index.js.map', 'index.d.ts', 'LICENSE'])
      write(`node_modules/used/${name}`, '');
    for (const name of ['main.js', 'main.js.map']) write(`dist/${name}`, '');
    const refs = ['used@1.0.0', 'inner@1.0.0', 'inner@2.0.0', 'webpack@5.0.0', 'embedded@1.0.0'];
    write('sbom.json', {
      metadata: { component: { 'bom-ref': 'tidemark@0.1.0' } },
      components: refs.map((ref) => ({ 'bom-ref': ref })),
      dependencies: [
        { ref: 'tidemark@0.1.0', dependsOn: ['used@1.0.0', 'embedded@1.0.0'] },
        { ref: 'webpack@5.0.0', dependsOn: ['inner@1.0.0'] },
      ],
    });
    const script = join(projectRoot, 'scripts', 'trim-image.mjs');
    const { status, stderr } = spawnSync(process.execPath, [script, sbomPath], {
      cwd: folder,
      encoding: 'utf8',
    });
    expect(stderr).toBe('');
    expect(status).toBe(0);
  });

  test('keeps what the program loads, without bundler, embedded servers, maps, typings and libraries of other systems', () => {
    const files = readdirSync(folder, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => relative(folder, join(entry.parentPath, entry.name)));
    const own = process.arch === 'arm64' ? 'aarch64' : 'x86_64';
    expect(files.sort()).toEqual(
      [
        'package.json',
        'sbom.json',
        'dist/main.js',
        ...['package.json', 'index.js', 'LICENSE', 'node_modules/inner/package.json'].map(
          (name) => `node_modules/used/${name}`,
        ),
        'node_modules/@temporalio/worker/package.json',
        'node_modules/@temporalio/core-bridge/package.json',
        `node_modules/@temporalio/core-bridge/releases/${own}-unknown-linux-gnu/index.node`,
        ...['memfs', 'unionfs', 'webpack'].flatMap((name) => [
          `node_modules/${name}/index.js`,
          `node_modules/${name}/package.json`,
        ]),
      ].sort(),
    );
  });

  test('leaves a bundler that says why it does not bundle', () => {
    const bundle = `require(${JSON.stringify(join(modules, 'webpack'))}).webpack()`;
    expect(spawnSync(process.execPath, ['-e', bundle], { encoding: 'utf8' }).stderr).toContain(
      'webpack is not in this image: its workflows are bundled already.',
    );
  });

  test('leaves in the SBOM what it leaves in the image', () => {
    const sbom = JSON.parse(readFileSync(sbomPath, 'utf8')) as Record<string, unknown>;
    expect(sbom['components']).toEqual([{ 'bom-ref': 'used@1.0.0' }, { 'bom-ref': 'inner@2.0.0' }]);
    expect(sbom['dependencies']).toEqual([{ ref: 'tidemark@0.1.0', dependsOn: ['used@1.0.0'] }]);
  });
});
