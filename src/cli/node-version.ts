/**
 * Which Node the program runs on. Loaded by whatever Node starts it, and so with nothing that Node 18 lacks: the rest of the program does not
 * even load there.
 */
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { constants } from 'node:os';
import { dirname, join } from 'node:path';

/** Major and minor, as scripts/prepare.mjs has them. */
export const lowestNode: readonly [number, number] = [24, 15];

export function isSupportedNode(version: string = process.versions.node): boolean {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  return major > lowestNode[0] || (major === lowestNode[0] && minor >= lowestNode[1]);
}

/** The Node that `npm ci` has installed beside the program; undefined where there is none for this platform. */
function findBundledNode(): string | undefined {
  const isWindows = process.platform === 'win32';
  const name = `node-${isWindows ? 'win' : process.platform}-${process.arch}`;
  try {
    const folder = dirname(createRequire(import.meta.url).resolve(`${name}/package.json`));
    const path = join(folder, 'bin', isWindows ? 'node.exe' : 'node');
    return existsSync(path) ? path : undefined;
  } catch {
    return undefined;
  }
}

/** Runs the program on the bundled Node as if it were this process, or says what to install and ends with 1. */
export function runOnBundledNode(): void {
  const node = findBundledNode();
  if (node === undefined) {
    process.stderr.write(
      `NODE_TOO_OLD: Tidemark needs Node ${lowestNode.join('.')} or newer; this is Node ${process.versions.node} (${process.execPath}). ` +
        'Install a newer one from https://nodejs.org, or run "npm ci" in the folder of the program, which brings one along, and start again.\n',
    );
    process.exitCode = 1;
    return;
  }
  // a session of its own: a Ctrl-C of the terminal then comes once, from here
  const child = spawn(node, process.argv.slice(1), { stdio: 'inherit', detached: true });
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT', 'SIGWINCH'] as const)
    process.on(signal, () => void child.kill(signal));
  child.once('error', (error) => {
    process.stderr.write(`NODE_TOO_OLD: ${node} cannot be started: ${error.message}\n`);
    process.exit(1);
  });
  child.once('exit', (status, signal) =>
    process.exit(status ?? 128 + (signal === null ? 0 : constants.signals[signal])),
  );
}
