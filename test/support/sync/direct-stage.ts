/** What tests of many syncs share: a stage, syncs without Temporal on it, and a signer. To be called at the top of a test file. */
import { randomInt } from 'node:crypto';
import { afterAll, beforeAll } from 'vitest';
import { createSigner } from '../signatures/atomic-signature.ts';
import type { Signer } from '../signatures/atomic-signature.ts';
import type { ClientSettings } from '../../../src/registry/requester.ts';
import { openDirectSync } from './direct-sync.ts';
import type { DirectSync } from './direct-sync.ts';
import { openStage } from './stage.ts';
import type { Stage } from './stage.ts';

export interface DirectStage {
  stage: Stage;
  direct: DirectSync;
  signer: Signer;
}

/** Filled before the tests of the file. */
export function useDirectStage(settings: ClientSettings = {}): DirectStage {
  const opened = {} as DirectStage;
  beforeAll(async () => {
    const [stage, signer] = await Promise.all([openStage(), createSigner()]);
    Object.assign(opened, { stage, signer, direct: openDirectSync(stage.harness, settings) });
  });
  afterAll(async () => {
    await opened.direct.close();
    await opened.stage.close();
  });
  return opened;
}

/** The same draws each time: what a new seed finds has nothing to do with the change at hand. 0 draws a new one. */
export function readSeed(variable: string): number {
  return Number(process.env[variable] ?? 20261128) || randomInt(2 ** 31);
}
