/**
 * `node scripts/trim-image.mjs sbom.json`, run while the image is built: removes from node_modules what the program never loads in
 * an image, and from the SBOM what is no longer there. Never run it in a checkout.
 */
import { existsSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

const modules = 'node_modules';

/** Packages that Temporal's worker needs only to bundle workflows, which is done when the image is built. */
const bundler = ['@swc/core', 'memfs', 'source-map-loader', 'swc-loader', 'unionfs', 'webpack'];
/** Those of them that the worker loads at its start, whether it bundles or not. */
const loadedAtStart = ['memfs', 'unionfs', 'webpack'];

/** Libraries for browsers and for old versions of Node, which no file of the program imports. */
const unused = ['@azure/msal-browser', 'web-streams-polyfill'];

/** Typings, source maps, and sources that ship beside what was compiled from them. */
const unusedFile = /\.(map|[cm]?ts|tsx|flow|rs)$/;

/** Tests that a package ships. */
const unusedFolders = ['import-in-the-middle/test'];

const manifestOf = (folder) => JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));

/** As Node resolves it: in the package's own node_modules, then in those above. */
function resolve(name, from) {
  for (let folder = from; ; folder = dirname(folder)) {
    const found = join(folder, modules, name);
    if (existsSync(join(found, 'package.json'))) return found;
    if (folder === '.') return undefined;
  }
}

function reachable() {
  const found = new Set();
  const queue = ['.'];
  for (const folder of queue) {
    const {
      name,
      dependencies,
      optionalDependencies,
      peerDependencies,
      peerDependenciesMeta = {},
    } = manifestOf(folder);
    const cut = [...unused, ...(name === '@temporalio/worker' ? bundler : [])];
    // Tidemark's own optional packages, the embedded PostgreSQL and a second Node, are for machines.
    const optional = folder === '.' ? {} : optionalDependencies;
    const peers = Object.keys(peerDependencies ?? {}).filter((peer) => !peerDependenciesMeta[peer]?.optional);
    for (const wanted of Object.keys({ ...dependencies, ...optional }).concat(peers)) {
      const target = cut.includes(wanted) ? undefined : resolve(wanted, folder);
      if (target === undefined || found.has(target)) continue;
      found.add(target);
      queue.push(target);
    }
  }
  return found;
}

/** Folders of packages, those inside of packages included. */
function installed(folder = modules) {
  if (!existsSync(folder)) return [];
  const names = readdirSync(folder).filter((name) => !name.startsWith('.'));
  return names.flatMap((name) => {
    const path = join(folder, name);
    if (name.startsWith('@')) return readdirSync(path).flatMap((scoped) => within(join(path, scoped)));
    return within(path);
  });
}

const within = (folder) => [folder, ...installed(join(folder, modules))];

function removePackages() {
  const kept = reachable();
  for (const folder of installed()) if (!kept.has(folder)) rmSync(folder, { recursive: true, force: true });
  for (const name of readdirSync(modules)) {
    const isEmptyScope = name.startsWith('@') && readdirSync(join(modules, name)).length === 0;
    if (name.startsWith('.') || isEmptyScope) rmSync(join(modules, name), { recursive: true });
  }
  for (const name of loadedAtStart) stub(name);
}

/** In the place of a package that is imported at the start and used by nobody. */
function stub(name) {
  const source = `function absent() { throw new Error('${name} is not in this image: its workflows are bundled already.'); }
exports.Volume = exports.Union = exports.webpack = absent;
`;
  const folder = join(modules, name);
  if (existsSync(folder)) throw new Error(`${folder} is used by another package: it cannot be replaced`);
  mkdirSync(folder);
  writeFileSync(join(folder, 'index.js'), source);
  writeFileSync(
    join(folder, 'package.json'),
    `${JSON.stringify({ name, version: '0.0.0', private: true })}\n`,
  );
}

/** Temporal's native library for other systems, and files that no process reads. */
function removeFiles() {
  const bridge = join(modules, '@temporalio', 'core-bridge');
  const own = `${process.arch === 'arm64' ? 'aarch64' : 'x86_64'}-unknown-linux-gnu`;
  for (const release of readdirSync(join(bridge, 'releases')))
    if (release !== own) rmSync(join(bridge, 'releases', release), { recursive: true });
  rmSync(join(bridge, 'sdk-core'), { recursive: true });
  for (const folder of unusedFolders) rmSync(join(modules, folder), { recursive: true, force: true });
  for (const folder of [modules, 'dist'])
    for (const file of readdirSync(folder, { recursive: true, withFileTypes: true }))
      if (file.isFile() && unusedFile.test(file.name)) rmSync(join(file.parentPath, file.name));
}

/** The SBOM lists the packages that remain, and the edges between them. */
function trimSbom(path) {
  const sbom = JSON.parse(readFileSync(path, 'utf8'));
  const left = new Set(
    installed()
      .map(manifestOf)
      .map(({ name, version }) => `${name}@${version}`),
  );
  const root = sbom.metadata.component['bom-ref'];
  const isLeft = (ref) => ref === root || left.has(ref);
  sbom.components = sbom.components.filter((component) => isLeft(component['bom-ref']));
  sbom.dependencies = sbom.dependencies
    .filter(({ ref }) => isLeft(ref))
    .map(({ ref, dependsOn = [] }) => ({ ref, dependsOn: dependsOn.filter(isLeft) }));
  writeFileSync(path, `${JSON.stringify(sbom)}\n`);
}

const [sbomPath] = process.argv.slice(2);
if (sbomPath === undefined) throw new Error('Usage: node scripts/trim-image.mjs sbom.json');
removePackages();
trimSbom(sbomPath);
removeFiles();
