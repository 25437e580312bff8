/** A container engine's daemon as a child process, with a folder of its own. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { rm } from 'node:fs/promises';
import { until } from '../support/until.ts';
import { requirePeer } from './peers.ts';
import type { PeerName } from './peers.ts';

export interface Daemon {
  /** Ends it, and removes its folder. */
  stop(): Promise<void>;
}

/** Starts it, and waits until `ask` no longer rejects. */
export async function startDaemon(
  name: PeerName,
  args: readonly string[],
  { folder, ask }: { readonly folder: string; readonly ask: () => Promise<unknown> },
): Promise<Daemon> {
  const child = spawn(requirePeer(name), args, { stdio: ['ignore', 'ignore', 'pipe'] });
  let said = '';
  child.stderr.on('data', (text: Buffer) => (said = `${said}${text.toString()}`.slice(-4_000)));
  const exited = once(child, 'exit');
  // A killed one could not end what it has started itself.
  const end = (): void => void child.kill('SIGTERM');
  process.once('exit', end);
  const stop = async (): Promise<void> => {
    process.off('exit', end);
    end();
    await exited;
    await rm(folder, { recursive: true, force: true, maxRetries: 3 });
  };
  try {
    await until(async () => {
      if (child.exitCode !== null) throw new Error(`${name} has ended:\n${said}`);
      return ask().then(
        () => true,
        () => false,
      );
    });
    return { stop };
  } catch (error) {
    await stop();
    throw error;
  }
}
