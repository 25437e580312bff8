/** A container engine of the journey's own, and the programs that talk to it. All that is run, and what it printed, goes to journey.log. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

const maxOutput = 4 * 1024 * 1024;

/** @returns `say`, which prints a line and logs it, and `run`, which runs a command. */
export function createRunner(logPath, env) {
  const log = createWriteStream(logPath, { flags: 'w' });
  const since = performance.now();
  const stamp = () => `${((performance.now() - since) / 1000).toFixed(1).padStart(7)} s  `;

  function say(line) {
    console.log(line);
    log.write(`${stamp()}${line}\n`);
  }

  /** Runs a command to its end. @returns what it printed to standard output; @throws where it fails or takes longer than `timeoutMs`. */
  async function run(command, args, { input, timeoutMs = 120_000, secret = false, extraEnv = {} } = {}) {
    log.write(`${stamp()}$ ${[command.split('/').at(-1), ...args].join(' ')}\n`);
    const child = spawn(command, args, { stdio: ['pipe', 'pipe', 'pipe'], env: { ...env, ...extraEnv } });
    const output = { stdout: [], stderr: [], bytes: 0 };
    for (const name of ['stdout', 'stderr'])
      child[name].on('data', (chunk) => {
        output[name].push(chunk);
        output.bytes += chunk.length;
        if (!secret && output.bytes < maxOutput) log.write(chunk);
      });
    const timer = setTimeout(() => child.kill('SIGKILL'), timeoutMs);
    child.stdin.on('error', () => undefined);
    if (input?.pipe) input.pipe(child.stdin);
    else child.stdin.end(input);
    const [code, signal] = await once(child, 'close').finally(() => clearTimeout(timer));
    if (code === 0) return Buffer.concat(output.stdout);
    const reason =
      signal === 'SIGKILL' ? `took longer than ${timeoutMs / 1000} s` : `ended with ${code ?? signal}`;
    const tail = Buffer.concat([...output.stdout, ...output.stderr])
      .toString()
      .slice(-2_000);
    throw new Error(`${command} ${args.slice(0, 6).join(' ')} … ${reason}:\n${tail}`);
  }

  return { say, run, log, text: async (...all) => (await run(...all)).toString().trim() };
}

/** Starts dockerd with folders of its own below `folder`; without its default network, which another engine of this machine may have. */
export async function startEngine(folder, { run, log, env }) {
  await mkdir(folder, { recursive: true });
  const child = spawn(
    'dockerd',
    [
      `--host=${env.DOCKER_HOST}`,
      `--data-root=${join(folder, 'data')}`,
      `--exec-root=${join(folder, 'exec')}`,
      `--pidfile=${join(folder, 'pid')}`,
      '--bridge=none',
      '--default-address-pool=base=10.213.0.0/16,size=24',
      '--storage-driver=overlay2',
      '--insecure-registry=127.0.0.0/8',
      '--log-level=warn',
    ],
    { stdio: ['ignore', 'pipe', 'pipe'], env },
  );
  child.stdout.pipe(log, { end: false });
  child.stderr.pipe(log, { end: false });
  const exited = once(child, 'exit');
  for (let attempt = 0; ; attempt += 1) {
    if (child.exitCode !== null) throw new Error('dockerd has ended; journey.log says why');
    try {
      await run('docker', ['version'], { timeoutMs: 10_000 });
      break;
    } catch (error) {
      if (attempt === 60) throw error;
      await sleep(500);
    }
  }
  return {
    async stop() {
      child.kill('SIGTERM');
      await exited;
    },
  };
}

/** Asks until `check` answers something true. @throws with `what` after `timeoutMs`. */
export async function until(what, ask, timeoutMs = 120_000) {
  const giveUpAt = performance.now() + timeoutMs;
  let last;
  for (;;) {
    try {
      const answer = await ask();
      if (answer) return answer;
    } catch (error) {
      last = error;
    }
    if (performance.now() > giveUpAt)
      throw new Error(`${what}: not so after ${timeoutMs / 1000} s`, { cause: last });
    await sleep(300);
  }
}

export function check(condition, what) {
  if (!condition) throw new Error(`Not as expected: ${what}`);
}
