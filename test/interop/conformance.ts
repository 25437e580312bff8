/** The conformance suite of OCI. */
import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'vitest';
import { requirePeer } from './peers.ts';

/**
 * What OCI's conformance suite prints about a registry; `settings` are its variables without `OCI_`. How it ends says nothing: without
 * pushes this version panics after its result.
 */
export async function runConformance(
  host: string,
  settings: Readonly<Record<string, string>>,
): Promise<string> {
  const home = await mkdtemp(join(tmpdir(), 'tidemark-conformance-'));
  const named = Object.entries(settings).map(([name, value]) => [`OCI_${name}`, value]);
  try {
    return await new Promise((resolve) => {
      execFile(
        requirePeer('conformance'),
        [],
        {
          env: {
            HOME: home,
            OCI_REGISTRY: host,
            OCI_TLS: 'disabled',
            OCI_VERSION: 'dev',
            OCI_RESULTS_DIR: join(home, 'results'),
            ...Object.fromEntries(named),
          },
          maxBuffer: 64 * 1024 * 1024,
        },
        (_error, stdout) => resolve(stdout),
      );
    });
  } finally {
    await rm(home, { recursive: true, force: true });
  }
}
/** The result that a passing run of the suite prints: no failure, no error, and something that passed. */
export function expectConformance(printed: string): void {
  expect(printed).toContain('OCI Conformance Result: Pass');
  expect(printed).toMatch(/Pass\.+:\s+[1-9]\d*\n/);
  expect(printed).toMatch(/FAIL\.+:\s+0\n\s+Error\.+:\s+0\n/);
}
