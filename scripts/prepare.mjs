/**
 * What has to be there before anything runs: the locked dependencies, with Node 24 among them, and the compiled program.
 * Runs on Node 20 too, and so with nothing but Node's own modules.
 */
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { constants } from 'node:os';
import { delimiter, dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = dirname(dirname(fileURLToPath(import.meta.url)));
const NODE_MODULES = join(root, 'node_modules');
const INSTALL_STAMP = join(NODE_MODULES, '.tidemark-install');
const BUILD_STAMP = join(root, 'dist', '.tidemark-build');
const LOWEST_NODE = [24, 15];
/** A Ctrl-C reaches us from the terminal and once more from npm: these are one wish of one person. */
const SAME_SIGNAL_MS = 1_000;

/** Installs and builds where needed. Answers the Node that the program is to run on; ends the process on failure. */
export async function prepare() {
  const installed = await installDependencies();
  const node = findNode();
  await build(node);
  return { node, inThisProcess: node === process.execPath && !installed };
}

/** Runs a program under `node` as if it were this process: its terminal, its signals, its exit code. */
export async function become(node, args) {
  // A session of its own keeps the terminal's Ctrl-C from it, so that it gets each signal once: ours.
  const child = spawn(node, args, {
    cwd: process.cwd(),
    env: environment(node),
    stdio: 'inherit',
    detached: true,
  });
  const lastSent = new Map();
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT', 'SIGWINCH']) {
    process.on(signal, () => {
      const now = performance.now();
      const again = signal !== 'SIGWINCH' && now - (lastSent.get(signal) ?? -Infinity) < SAME_SIGNAL_MS;
      lastSent.set(signal, now);
      if (!again) child.kill(signal);
    });
  }
  const code = await new Promise((done, fail) => {
    child.once('error', fail);
    child.once('exit', (status, signal) => done(status ?? 128 + (constants.signals[signal] ?? 0)));
  });
  process.exit(code);
}

/** Progress goes to standard error: standard output is the program's. */
export function say(message) {
  process.stderr.write(`${message}\n`);
}

async function installDependencies() {
  const wanted = sha256(readFileSync(join(root, 'package-lock.json')));
  if (readStamp(INSTALL_STAMP) === wanted || installedByHand()) {
    if (readStamp(INSTALL_STAMP) !== wanted) writeFileSync(INSTALL_STAMP, wanted);
    return false;
  }
  say('Installing the locked dependencies (about a minute, once)');
  await runHidden(...npm(['ci', '--loglevel=error']), 'npm ci failed');
  writeFileSync(INSTALL_STAMP, wanted);
  return true;
}

/** Whether a person's own `npm ci` is newer than the lock file. */
function installedByHand() {
  if (existsSync(INSTALL_STAMP)) return false;
  const record = join(NODE_MODULES, '.package-lock.json');
  return existsSync(record) && statSync(record).mtimeMs >= statSync(join(root, 'package-lock.json')).mtimeMs;
}

/** Node 24 from the dependencies, unless this one is new enough. */
function findNode() {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  if (major > LOWEST_NODE[0] || (major === LOWEST_NODE[0] && minor >= LOWEST_NODE[1]))
    return process.execPath;
  const platform = process.platform === 'win32' ? 'win' : process.platform;
  const bin = process.platform === 'win32' ? 'node.exe' : 'node';
  const packaged = join(NODE_MODULES, `node-${platform}-${process.arch}`, 'bin', bin);
  if (existsSync(packaged)) return packaged;
  return giveUp(
    `Tidemark needs Node ${LOWEST_NODE.join('.')} or newer; this is ${process.versions.node}, and npm installed no newer one ` +
      `for ${platform}-${process.arch}. Install it from https://nodejs.org and start again.`,
  );
}

async function build(node) {
  const wanted = fingerprintSources();
  if (readStamp(BUILD_STAMP) === wanted) return;
  say('Building');
  // Whole, so that what was removed from the sources does not stay.
  rmSync(join(root, 'dist'), { recursive: true, force: true });
  const [command, args, env] = npm(['run', 'build', '--silent']);
  await runHidden(
    command,
    args,
    { ...env, PATH: `${dirname(node)}${delimiter}${env.PATH}` },
    'The build failed',
  );
  writeFileSync(BUILD_STAMP, wanted);
}

/** Names, sizes and times of everything that the build reads. */
function fingerprintSources() {
  const files = ['package.json', 'package-lock.json', 'tsconfig.json', 'tsconfig.build.json'];
  files.push(join('scripts', 'bundle-workflows.mjs'));
  for (const folder of ['src', 'web']) {
    const entries = existsSync(join(root, folder))
      ? readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
      : [];
    for (const entry of entries) {
      if (entry.isFile()) files.push(join(entry.parentPath ?? entry.path, entry.name));
    }
  }
  const lines = files.sort().map((file) => {
    const { size, mtimeMs } = statSync(resolve(root, file));
    return `${file} ${size} ${mtimeMs}`;
  });
  return sha256(lines.join('\n'));
}

/** npm as it started us, or as it is on the PATH; never run by a Node from the folder that it may replace. */
function npm(args) {
  const { npm_execpath: script, npm_node_execpath: node } = process.env;
  const env = { ...process.env, PATH: pathWithoutOurs() };
  for (const name of Object.keys(env)) {
    // Set by the npm above us for its own script.
    if (/^npm_(lifecycle|package|command)/.test(name)) delete env[name];
  }
  const usable =
    script?.endsWith('.js') && node !== undefined && !node.startsWith(NODE_MODULES) && existsSync(node);
  return usable ? [node, [script, ...args], env] : ['npm', args, env];
}

function pathWithoutOurs() {
  const folders = (process.env.PATH ?? '').split(delimiter);
  return folders.filter((folder) => folder !== join(NODE_MODULES, '.bin')).join(delimiter);
}

function environment(node) {
  return { ...process.env, PATH: `${dirname(node)}${delimiter}${process.env.PATH ?? ''}` };
}

/** Runs a command, and shows what it wrote only when it failed. */
async function runHidden(command, args, env, failure) {
  const child = spawn(command, args, { cwd: root, env, stdio: ['ignore', 'pipe', 'pipe'] });
  const output = [];
  child.stdout.on('data', (chunk) => output.push(chunk));
  child.stderr.on('data', (chunk) => output.push(chunk));
  const code = await new Promise((done) => {
    child.once('error', (error) => {
      output.push(Buffer.from(`${error.message}\n`));
      done(1);
    });
    child.once('close', done);
  });
  if (code === 0) return;
  process.stderr.write(Buffer.concat(output));
  giveUp(`${failure}; what it said is above.`);
}

function giveUp(message) {
  say(message);
  process.exit(1);
}

function readStamp(path) {
  return existsSync(path) ? readFileSync(path, 'utf8') : undefined;
}

function sha256(data) {
  return createHash('sha256').update(data).digest('hex');
}
