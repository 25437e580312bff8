/** What a process has to be told before its first line runs, and how Tidemark tells itself so, whoever started it. */
import { setFlagsFromString } from 'node:v8';

/**
 * V8's young generation has 1 MB at first and grows to 48; collecting 1 takes a fifth of the thread's time, and 48 are far more than streams and
 * requests need. What they leave in the old generation is collected when it has grown by 30 %, not when it has tripled. Figures: bench/NOTES.md.
 */
export const v8Flags = ['--max-semi-space-size=4', '--heap-growing-percent=30'];

/**
 * For glibc; others do not know them. By itself it keeps an arena a thread, of which there are 16, and stops giving back buffers of some
 * hundred KiB once it has seen one go.
 */
export const mallocSettings = { MALLOC_ARENA_MAX: '2', MALLOC_MMAP_THRESHOLD_: '131072' };

/**
 * Replaces the process by one that was told, under the same id, with the same arguments, files and settings; comes back where it was told
 * already. What a person has set stays. Costs 30 ms; NODE_OPTIONS takes only one of the flags, and V8 one of them only before it starts.
 */
export function beginAnew(): void {
  const flags = v8Flags.filter((flag) => !isGiven(flag));
  const lacks = Object.keys(mallocSettings).some((name) => process.env[name] === undefined);
  if (flags.length === 0 && !lacks) return keepFromChildren();
  // over a channel somebody talks to this process (child_process.fork), and would lose it
  if (process.execve === undefined || process.platform === 'win32' || process.send !== undefined)
    return flags.forEach((flag) => setFlagsFromString(flag));
  const [node, ...args] = process.argv;
  process.execve(process.execPath, [node ?? process.execPath, ...flags, ...process.execArgv, ...args], {
    ...mallocSettings,
    ...process.env,
  });
}

/** On the command line, or in NODE_OPTIONS; V8 takes `_` for `-`. */
function isGiven(flag: string): boolean {
  const [name] = flag.split('=');
  const given = [...process.execArgv, ...(process.env['NODE_OPTIONS'] ?? '').split(/\s+/)];
  return given.some((option) => option.replaceAll('_', '-').split('=')[0] === name);
}

/** PostgreSQL and Temporal are not asked to live by what was chosen for this process. */
function keepFromChildren(): void {
  for (const [name, value] of Object.entries(mallocSettings))
    if (process.env[name] === value) delete process.env[name];
}
