/** The libraries of the clouds are loaded where a credential of their kind is used, and nowhere before. */
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { projectRoot } from '../../support/import-graph.ts';

const libraries = [
  '@aws-sdk/client-ecr',
  '@aws-sdk/credential-providers',
  'google-auth-library',
  '@azure/identity',
];

/** The libraries among the modules that a process loads with these. */
async function loadedWith(...files: readonly string[]): Promise<string[]> {
  const urls = files.map((file) => pathToFileURL(join(projectRoot, file)).href);
  const script = `
    import { registerHooks } from 'node:module';
    const seen = new Set();
    registerHooks({ load(url, context, next) { seen.add(url); return next(url, context); } });
    for (const url of ${JSON.stringify(urls)}) await import(url);
    // a pipe may take a part now, and the rest later
    process.stdout.write(JSON.stringify([...seen]), () => process.exit(0));`;
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', script], {
    maxBuffer: 64 * 1024 * 1024,
  });
  const seen = (JSON.parse(stdout) as string[]).join('\n');
  return libraries.filter((name) => seen.includes(`/node_modules/${name}/`));
}

test('the modules of a server, API and worker, load none of them', async () => {
  expect(await loadedWith('dist/processes/server.js')).toEqual([]);
});

test.each([
  ['STATIC', 'static-login', []],
  ['DOCKER_CONFIG', 'docker-config', []],
  ['HELPER', 'helper', []],
])('nor does the kind %s', async (_, file, expected) => {
  expect(await loadedWith(`dist/access/credentials/${file}.js`)).toEqual(expected);
});

test('the search would find one', async () => {
  expect(await loadedWith('node_modules/google-auth-library/build/src/index.js')).toEqual([
    'google-auth-library',
  ]);
});
