/** A host of its own for a process: a network namespace on a cable that can be cut. Needs root and iproute2. */
import { execFile } from 'node:child_process';
import { randomBytes, randomInt } from 'node:crypto';
import { promisify } from 'node:util';

const run = promisify(execFile);
const ip = (...args: readonly string[]) => run('ip', args);

export interface NetworkNamespace {
  /** How the namespace reaches this machine, and how this machine sees it. */
  readonly hostAddress: string;
  readonly guestAddress: string;
  /** The beginning of a command line that runs in the namespace. */
  readonly prefix: readonly string[];
  /** Nothing passes any more, in no direction. This machine keeps its address. */
  cutCable(): Promise<void>;
  close(): Promise<void>;
}

/** @returns the reason where this machine has no namespaces. */
export async function openNetworkNamespace(): Promise<NetworkNamespace | string> {
  const id = randomBytes(3).toString('hex');
  const [name, host, guest] = [`tidemark-${id}`, `tmh${id}`, `tmg${id}`];
  // 198.18.0.0/15 is for benchmarks: nobody routes it
  const net = `198.${randomInt(18, 20)}.${randomInt(0, 256)}`;
  const close = async (): Promise<void> => {
    await ip('link', 'del', host).catch(() => undefined);
    await ip('netns', 'del', name).catch(() => undefined);
  };
  try {
    await ip('netns', 'add', name);
    await ip('link', 'add', host, 'type', 'veth', 'peer', 'name', guest, 'netns', name);
    await ip('addr', 'add', `${net}.1/30`, 'dev', host);
    await ip('link', 'set', host, 'up');
    await ip('-n', name, 'addr', 'add', `${net}.2/30`, 'dev', guest);
    await ip('-n', name, 'link', 'set', guest, 'up');
  } catch (error) {
    await close();
    return `no network namespaces: ${error instanceof Error ? error.message.trim() : String(error)}`;
  }
  return {
    hostAddress: `${net}.1`,
    guestAddress: `${net}.2`,
    prefix: ['ip', 'netns', 'exec', name],
    cutCable: async () => void (await ip('-n', name, 'link', 'set', guest, 'down')),
    close,
  };
}
